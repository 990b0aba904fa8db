import {
  assert,
  type BulkOutcome,
  type BulkRecorded,
  type Caller,
  type Command,
  LedgerError,
  type LedgerEvent,
  needs,
  type Payment,
  type PaymentId,
  type Revision,
  readId,
} from "ledger-core";
import type { DecisionState } from "../state/decision-state.ts";
import type { BulkItemAnswer } from "../writer-port.ts";
import { answerItemAgain } from "./bulk-steps.ts";
import { answerBulkAgain } from "./decide-bulk.ts";
import { answerAgain } from "./decide-item.ts";
import { type DecidedBatch, eventOf } from "./decided-batch.ts";
import { paymentIn, type Tell } from "./deciding.ts";
import { faultyItem, itemAnswer } from "./item-answer.ts";
import { type BulkJob, isFault, type Job } from "./jobs.ts";
import { type KeyCheck, matchKey } from "./key-check.ts";
import { type LogReads, readEvents } from "./read-events.ts";

export type LoadingOptions = LogReads & {
  readonly state: DecisionState;
  /** The batch being appended, whose events cannot be read from the log yet. */
  readonly undurable: () => DecidedBatch | undefined;
};

/** A job that waits for an event. */
type Reader = { readonly job: Job; readonly take: (event: LedgerEvent, bytes: number) => void };

/** A repeated bulk and its record, whose results must be read. */
type RecordedBulk = { readonly job: BulkJob; readonly event: LedgerEvent; readonly fact: BulkRecorded };

/** Collects what jobs need. Events that are not in the log yet come from their batch at once. */
export class Loading {
  readonly #options: LoadingOptions;
  readonly payments = new Map<PaymentId, Payment>();
  /** Approximate bytes of the kept events. */
  bytes = 0;
  #readers = new Map<Revision, Reader[]>();
  #paymentsRead: { readonly payment: Payment; readonly revision: Revision }[] = [];
  #records: RecordedBulk[] = [];
  /** Bulks whose own key has been looked up. */
  readonly #bulks = new Set<BulkJob>();

  constructor(on: LoadingOptions) {
    this.#options = on;
  }

  /** The number of events to read from the log. */
  get wanted(): number {
    return this.#readers.size;
  }

  /**
   * Finds what a job needs.
   * @returns false if a bulk must be sought again after a read: a repeated bulk needs none of its items
   */
  seekFor(job: Job | undefined): boolean {
    if (!job || job.failure) return true;
    if (job.kind === "single") {
      this.#forItem(job, job.item.command, job.item.check, answerAgain);
      return true;
    }
    if (job.next === 0 && !this.#bulks.has(job)) {
      this.#bulks.add(job);
      if (this.#forBulk(job)) return false;
    }
    if (job.check.known) return true;
    for (let index = job.next; index < job.loadedTo; index++) {
      const item = job.items[index];
      if (item && !isFault(item)) this.#forItem(job, item.command, item.check, answerItemAgain);
    }
    return true;
  }

  #forItem<Known>(job: Job, command: Command, check: KeyCheck<Known> | null, tell: Tell<Known>): void {
    if (check) this.#forKey(job, check, tell);
    // Only commands that name a payment: for a new one, `needs` would list the accounts for nothing.
    const payment = "payment" in command ? needs(command).payment : null;
    if (payment) this.#forPayment(job, payment);
  }

  #forKey<Known>(job: Job, check: KeyCheck<Known>, tell: Tell<Known>): void {
    const revisions = this.#candidates(job.caller, check);
    for (let n = 0; n < revisions.length; n++) {
      this.#want(job, revisions[n] ?? 0, (event, bytes) => {
        const match = matchKey(job.caller, check, event);
        if (!match) return;
        check.known = tell(match, event);
        if (job.kind === "bulk") return;
        job.loadedBytes = bytes;
        this.bytes += bytes;
      });
    }
  }

  /** @returns whether its record must be read */
  #forBulk(job: BulkJob): boolean {
    const { check } = job;
    let reads = false;
    for (const revision of this.#candidates(job.caller, check)) {
      const isRead = this.#want(job, revision, (event) => {
        const match = matchKey(job.caller, check, event);
        const { fact } = event;
        const results = this.#options.undurable()?.results.get(event.revision);
        if (match === "same" && fact.type === "BulkRecorded" && !results) this.#records.push({ job, event, fact });
        else if (match) check.known = answerBulkAgain(match, event, results);
      });
      reads ||= isRead;
    }
    return reads;
  }

  /** Revisions of events that may answer a key; none if the answer is known already. */
  #candidates({ tenant, sub }: Caller, check: KeyCheck<unknown>): readonly Revision[] {
    if (check.known !== undefined) return nothing;
    const revisions = this.#options.state.findKey(check, tenant, sub, check.key);
    assert(revisions, "the places of keys on disk are read before they are looked at");
    return revisions;
  }

  /** Keeps a payment even if it is in memory: a flush may evict it before the decision. */
  #forPayment(job: Job, id: PaymentId): void {
    const { state, shard } = this.#options;
    if (this.payments.has(id)) return;
    const known = state.payment(id);
    if (known) this.payments.set(id, known);
    else if (readId(id).shard === shard) {
      const revision = state.paymentRevision(id);
      if (revision > state.revision) return;
      this.#want(job, revision, (event, bytes) => {
        const payment = paymentIn(event, id);
        if (!payment) return;
        this.payments.set(id, payment);
        this.#paymentsRead.push({ payment, revision });
        this.bytes += bytes;
      });
    }
  }

  /** @returns whether the event must be read from the log */
  #want(job: Job, revision: Revision, take: Reader["take"]): boolean {
    const { state, shard, undurable } = this.#options;
    if (revision > state.settledAt) {
      const batch = undurable();
      const event = batch && eventOf(batch, shard, revision);
      if (event) take(event, 0);
      return false;
    }
    const readers = this.#readers.get(revision);
    if (readers) readers.push({ job, take });
    else this.#readers.set(revision, [{ job, take }]);
    return true;
  }

  /** Reads the wanted events. */
  async read(): Promise<void> {
    const readers = this.#readers;
    this.#readers = new Map();
    const failures = await readEvents(this.#options, readers.keys(), (event, bytes) => {
      for (const reader of readers.get(event.revision) ?? []) reader.take(event, bytes);
    });
    for (const [revision, error] of failures) for (const { job } of readers.get(revision) ?? []) job.failure ??= error;
    const records = this.#records;
    this.#records = [];
    for (const record of records) await this.#readResults(record);
  }

  /** Reads the results of a recorded bulk; of each item only the answer is kept. */
  async #readResults({ job, event, fact }: RecordedBulk): Promise<void> {
    const answers = new Map<Revision, BulkItemAnswer>();
    const failures = await readEvents(this.#options, fact.outcomes.flatMap(revisionsOf), (item) => {
      answers.set(item.revision, itemAnswer(item));
    });
    for (const error of failures.values()) job.failure ??= error;
    if (job.failure) return;
    const results = fact.outcomes.flatMap((outcome) => resultsOf(outcome, fact, answers));
    if (results.includes(undefined)) job.failure = missing(event);
    else
      job.check.known = answerBulkAgain(
        "same",
        event,
        results.filter((result) => result !== undefined),
      );
  }

  /** Adds the payments that were read to the state's cache. */
  keepPayments(): void {
    for (const { payment, revision } of this.#paymentsRead) this.#options.state.admitPayment(payment, revision);
    this.#paymentsRead = [];
  }
}

const nothing: readonly Revision[] = [];

function revisionsOf(outcome: BulkOutcome): Revision[] {
  return "fault" in outcome ? [] : Array.from({ length: outcome.count }, (_, nth) => outcome.first + nth);
}

function resultsOf(
  outcome: BulkOutcome,
  { faults }: BulkRecorded,
  answers: ReadonlyMap<Revision, BulkItemAnswer>,
): (BulkItemAnswer | undefined)[] {
  if (!("fault" in outcome)) return revisionsOf(outcome).map((revision) => answers.get(revision));
  const fault = faults[outcome.fault];
  return Array(outcome.count).fill(fault && faultyItem(fault));
}

function missing({ shard, revision }: LedgerEvent): LedgerError {
  return new LedgerError("log_corrupt", `the log has not all the events that the bulk at ${revision} answers from`, {
    position: { shard, revision },
  });
}
