import { LedgerError, type Revision } from "ledger-core";
import { bytesOf, type NewEvent, type StoredEvent } from "ledger-core/event-log";
import type { Faults } from "../faults.ts";
import type { Random } from "../random.ts";
import type { Owner, Scheduler } from "../scheduler.ts";

/** One append in progress. `done` is called once with the outcome, or never if the store crashes. */
export type Append = {
  readonly from: string;
  readonly expected: Revision;
  readonly events: readonly NewEvent[];
  done(outcome: Revision | LedgerError): void;
};

export type ReplicasOptions = {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  /** Called when a batch becomes durable, before anybody else can see it. */
  readonly onAppended: (batch: readonly StoredEvent[], append: Append) => void;
  readonly note: (what: string) => void;
  /** Whether acknowledged events survive a crash. True without a planted bug. */
  readonly syncsBeforeAnswering?: boolean;
  /** Whether an append is acknowledged only once another node has it. True without a planted bug. */
  readonly awaitsReplicas?: boolean;
};

/** An append that only the leader has, with the callbacks that await it. */
type Ahead = { readonly append: Append; readonly batch: readonly StoredEvent[]; readonly told: (() => void)[] };

const noLeaf = new Uint8Array(32);

/** The events of the leader, and those that another node has too. */
export class Replicas {
  /** All events of the leader, in order. */
  readonly written: StoredEvent[] = [];
  /** Events that no crash can lose. */
  readonly durable: StoredEvent[] = [];
  readonly #ahead: Ahead[] = [];
  readonly #options: ReplicasOptions;
  readonly #onDurable: (count: number, append: Append) => void;
  #stalled = false;

  /** @param onDurable called for each append as it becomes durable, after the auditor */
  constructor(options: ReplicasOptions, onDurable: (count: number, append: Append) => void) {
    this.#options = options;
    this.#onDurable = onDurable;
  }

  /**
   * Writes the first `count` events of an append and answers once they are durable. `leader` is undefined while the
   * store starts.
   */
  write(append: Append, count: number, leader: Owner | undefined): void {
    const { faults, awaitsReplicas = true } = this.#options;
    const first = this.written.length;
    const batch = append.events
      .slice(0, count)
      .map((event, index) => ({ ...event, data: bytesOf(event), shard: 0, revision: first + index, leaf: noLeaf }));
    this.written.push(...batch);
    const last = this.written.length - 1;
    if (leader && !this.#stalled && faults.strikes("slow_replication", 0.03)) this.#stall(leader);
    const waits = leader && this.#stalled && awaitsReplicas;
    this.#ahead.push({ append, batch, told: waits ? [this.#answerInTime(append, last, leader)] : [] });
    if (!this.#stalled) this.replicate();
    if (leader && !waits) append.done(last);
  }

  /** Answers a repeated append, whose events end at this revision, once they are durable. */
  repeated(last: Revision, append: Append): void {
    const { awaitsReplicas = true } = this.#options;
    const waitsFor = this.#ahead.find(({ batch }) => (batch.at(-1)?.revision ?? 0) >= last);
    if (waitsFor && awaitsReplicas) waitsFor.told.push(() => append.done(last));
    else append.done(last);
  }

  /** The other nodes catch up. */
  replicate(): void {
    this.#stalled = false;
    for (const { append, batch, told } of this.#ahead.splice(0)) {
      this.durable.push(...batch);
      this.#options.onAppended(batch, append);
      this.#onDurable(batch.length, append);
      for (const tell of told) tell();
    }
  }

  /** The leader dies. Events that only the leader had may be lost without notice. */
  crash(): void {
    const { faults, note, syncsBeforeAnswering } = this.#options;
    const { written, durable } = this;
    this.#stalled = false;
    const lost = faults.strikes("lost_leader", 0.5);
    if (lost && this.#ahead.length > 0) note(`loses ${written.length - durable.length} events that no other node has`);
    for (const { told } of this.#ahead) told.length = 0;
    if (lost) this.#ahead.length = 0;
    if (syncsBeforeAnswering === false && this.#ahead.length === 0) durable.pop();
    if (this.#ahead.length === 0) written.length = durable.length;
  }

  /** Answers with a timeout unless a replica has the append in time; it remains written either way. */
  #answerInTime(append: Append, last: Revision, leader: Owner): () => void {
    const { scheduler, random } = this.#options;
    let answered = false;
    const answer = (outcome: Revision | LedgerError) => {
      if (!answered) append.done(outcome);
      answered = true;
    };
    const timeout = new LedgerError("outcome_unknown", "timeout of the commit", { retryable: true });
    scheduler.after(random.between(1_000, 20_000), leader, () => answer(timeout));
    return () => answer(last);
  }

  #stall(leader: Owner): void {
    const { scheduler, random, note } = this.#options;
    note("is not replicated");
    this.#stalled = true;
    scheduler.after(random.between(1_000, 60_000), leader, () => {
      note("is replicated again");
      this.replicate();
    });
  }
}
