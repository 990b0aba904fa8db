import { isLedgerError, LedgerError, type Runtime, type Shard } from "ledger-core";
import { type EventLog, makeFramesPool } from "ledger-core/event-log";
import { appendSurely, assertUpToDate } from "./append.ts";
import { type Batch, openBatch } from "./batch.ts";
import { decideJob } from "./decide-job.ts";
import type { HeldShard } from "./held-shard.ts";
import { openLookup } from "./lookup.ts";
import type { WriterParts } from "./parts.ts";
import type { JobQueue } from "./queue.ts";

export type TurnsOptions = {
  readonly log: EventLog;
  readonly shard: Shard;
  readonly runtime: Runtime;
  readonly queue: JobQueue;
  readonly held: HeldShard;
  readonly decide: WriterParts["decide"];
  readonly batchBytesMax: number;
  readonly aheadMin: number;
};

/**
 * The writer's loop: takes what is queued, decides it, appends it, answers. One batch is appended at a time. While much waits, the next is
 * decided meanwhile, on a state that is ahead of the log; when an append fails, that state and what was decided on it are dropped.
 */
export class Turns {
  readonly #on: TurnsOptions;
  readonly #frames = makeFramesPool();
  readonly #lookup: ReturnType<typeof openLookup>;
  #scheduled = false;
  #turning = false;
  #stopping = false;
  #onIdle: (() => void) | undefined;
  /** The end of the append that is under way. */
  #appending: Promise<void> | undefined;
  /** Decided, and waiting for that append. */
  #ahead: Batch | undefined;

  constructor(options: TurnsOptions) {
    this.#on = options;
    this.#lookup = openLookup(options.log, options.shard, () => options.held.state);
  }

  schedule(): void {
    if (this.#scheduled || this.#turning) return;
    this.#scheduled = true;
    // Not at once: what else has arrived on other sockets in this turn of the event loop joins the batch.
    this.#on.runtime.defer(() => {
      this.#scheduled = false;
      this.#turning = true;
      return this.#turn().finally(() => {
        this.#turning = false;
        this.#goOn();
      });
    });
  }

  /** Settles when everything that was accepted is answered. */
  async idle(): Promise<void> {
    this.#stopping = true;
    if (this.#busy || !this.#on.queue.empty) await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }

  get #busy(): boolean {
    return this.#turning || this.#scheduled || this.#appending !== undefined;
  }

  #goOn(): void {
    const { held, queue } = this.#on;
    if (held.standing.ready && (queue.ready || (held.flushing && !this.#appending))) this.schedule();
    else if (!this.#busy && queue.empty) this.#onIdle?.();
  }

  /** One batch, from the queue to its append. */
  async #turn(): Promise<void> {
    const { held, queue, aheadMin } = this.#on;
    // Little is gathered until the append ends; and a flush begins when nothing is ahead of the log.
    if (this.#appending && (held.flushDue || !queue.holds(aheadMin))) return this.#appending;
    if (!held.standing.ready) return;
    this.#ahead = this.#fill();
    await this.#appending;
    const batch = this.#ahead;
    if (!batch) return;
    this.#ahead = undefined;
    this.#appending = this.#finish(batch)
      // A bug: it ends the process, as one in the turn would.
      .catch((error: unknown) =>
        this.#on.runtime.defer(() => {
          throw error;
        }),
      )
      .finally(() => {
        this.#appending = undefined;
        this.#goOn();
      });
  }

  /** Decides what is queued until the batch is full. */
  #fill(): Batch {
    const { queue, held, runtime, decide, batchBytesMax } = this.#on;
    const { state, by } = held;
    const batch = openBatch(state, runtime.now(), this.#frames.take());
    const on = {
      ...{ decide, state, by, lookup: this.#lookup, batch, batchBytesMax, runtime },
      ownAfter: Number.POSITIVE_INFINITY,
      context: undefined,
    };
    for (let job = queue.take(); job; job = queue.take()) {
      const step = decideJob(on, queue, job);
      if (step.kind === "full") queue.putBack(job);
      if (step.kind === "later") queue.postpone(job);
      if (step.kind === "wait") queue.park(job, step.until, () => this.schedule());
      if (step.kind === "full" || batch.events.size >= batchBytesMax) break;
    }
    return batch;
  }

  /** Appends a batch and answers it. */
  async #finish(batch: Batch): Promise<void> {
    const { log, shard, runtime, held, queue } = this.#on;
    try {
      if (batch.events.length > 0) await appendSurely(log, shard, batch, runtime);
      else if (batch.answers.length > 0) await assertUpToDate(log, shard, batch);
    } catch (error) {
      await this.#standDown(batch, error);
      return;
    }
    this.#frames.giveBack(batch.events);
    held.state.settle(batch.after + batch.events.length);
    for (const answer of batch.answers) answer();
    queue.resume();
    held.flushSlice(batch.events.length, this.#ahead === undefined);
  }

  /** An append that failed for certain: nothing of the batch happened, nor of the one decided after it. The shard is taken again, from its log. */
  async #standDown(batch: Batch, error: unknown): Promise<void> {
    if (!isLedgerError(error)) throw error;
    const { held, queue } = this.#on;
    held.stepDown(error.message);
    const refusal = refusalOf(error);
    for (const failed of [batch, this.#ahead]) for (const fail of failed?.failures ?? []) fail(refusal);
    this.#ahead = undefined;
    for (const job of queue.drain()) {
      queue.release(job);
      job.fail(refusal);
    }
    await held.retake(() => this.#stopping);
  }
}

function refusalOf(error: LedgerError): LedgerError {
  if (error.code !== "wrong_expected_revision") return error;
  const told = "another writer took this shard; nothing was written";
  return new LedgerError("not_ready", told, { retryable: true, cause: error });
}
