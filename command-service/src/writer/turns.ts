import {
  isLedgerError,
  type LedgerError,
  type Micros,
  type PaymentId,
  type Revision,
  type Runtime,
  type Shard,
} from "ledger-core";
import { type EventLog, makeFramesPool } from "ledger-core/event-log";
import { isShardFault, isStateFault } from "../state/state-faults.ts";
import { appendSurely, assertUpToDate } from "./append.ts";
import { type Batch, type BatchLimits, openBatch } from "./batch.ts";
import type { ClockGuard } from "./clock-guard.ts";
import type { BulkLimits } from "./decide-item.ts";
import { decideJob } from "./decide-job.ts";
import { failureOf } from "./failures.ts";
import type { HeldShard } from "./held-shard.ts";
import type { Job } from "./jobs.ts";
import { loadKeys } from "./load-keys.ts";
import { openLookup } from "./lookup.ts";
import type { WriterParts } from "./parts.ts";
import type { JobQueue } from "./queue.ts";

export type TurnsOptions = {
  readonly log: EventLog;
  readonly shard: Shard;
  readonly runtime: Runtime;
  readonly clock: ClockGuard;
  readonly queue: JobQueue;
  readonly held: HeldShard;
  readonly decide: WriterParts["decide"];
  readonly limits: BatchLimits;
  readonly bulkLimits: BulkLimits;
  readonly aheadMin: number;
  readonly triedMax: number;
  /** Jobs are looked at for keys to load until they have so many. */
  readonly keysAhead: number;
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
  /** The decision state failed outside a turn, or the clock: the next one stands down. */
  #fault: LedgerError | undefined;
  #retrying = false;

  constructor(options: TurnsOptions) {
    this.#on = options;
    const lookup = openLookup(options.log, options.shard, () => options.held.state);
    const payment = (id: PaymentId) =>
      lookup.payment(id).catch((error: unknown) => {
        this.shardFailed(error);
        throw error;
      });
    this.#lookup = { ...lookup, payment };
    if (!options.held.standing.ready) this.#waitFor(options.held.retake());
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

  /** The decision state or the clock failed: the shard stands down. Any other error is thrown again. */
  shardFailed(error: unknown): void {
    if (!isShardFault(error)) throw error;
    if (!this.#on.held.standing.ready) return;
    this.#fault ??= error;
    this.schedule();
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
    const flushing = held.flushing && !this.#appending;
    if (held.standing.ready && (queue.ready || flushing || this.#fault)) this.schedule();
    else if (!this.#busy && queue.empty) this.#onIdle?.();
  }

  /** One batch, from the queue to its append. */
  async #turn(): Promise<void> {
    const { held, queue, aheadMin, limits } = this.#on;
    // Little is gathered until the append ends; and a flush begins when nothing is ahead of the log.
    if (this.#appending && (held.flushDue || !queue.holds(aheadMin))) return this.#appending;
    if (!held.standing.ready) return;
    while (!this.#fault && held.overdue) {
      await held.flushWaits;
      if (!held.standing.ready) return;
      this.#flush(0, false);
    }
    const loading = this.#fault ? undefined : loadKeys(held.state, queue, this.#on.keysAhead);
    if (loading && !(await this.#isLoaded(loading))) return;
    this.#ahead = openBatch(held.state, this.#clock(), limits, this.#frames.take());
    if (!this.#fault) this.#fill(this.#ahead);
    await this.#appending;
    const batch = this.#ahead;
    // Undefined when the append failed and the shard was taken again: what was decided after it is failed already.
    if (!batch) return;
    if (this.#fault) return this.#waitFor(this.#standDown(this.#fault));
    this.#ahead = undefined;
    this.#waitFor(this.#finish(batch));
  }

  /** Waits for what a batch needs, and says whether it can be filled then: meanwhile the shard may have stood down. */
  async #isLoaded(loading: Promise<void>): Promise<boolean> {
    try {
      await loading;
    } catch (error) {
      this.shardFailed(error);
    }
    return this.#on.held.standing.ready && !this.#fault;
  }

  /** The time of the next batch. When the clock is wild, that is `#fault`. */
  #clock(): Micros {
    try {
      return this.#on.clock.now();
    } catch (error) {
      this.shardFailed(error);
      return this.#on.held.state.at;
    }
  }

  /** Lets nothing be appended before this has ended. */
  #waitFor(work: Promise<void>): void {
    this.#appending = work
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

  /** Decides what is queued until the batch is full. When the decision state cannot be read, that is `#fault`. */
  #fill(batch: Batch): void {
    const { queue, held, runtime, decide, limits, bulkLimits, triedMax } = this.#on;
    const { state, by } = held;
    const on = {
      ...{ decide, state, by, lookup: this.#lookup, batch, bulkLimits, runtime },
      ownAfter: Number.POSITIVE_INFINITY,
      context: undefined,
    };
    let tried = 0;
    let job = queue.take();
    try {
      for (; job; job = queue.take()) {
        const step = decideJob(on, queue, job);
        if (step.kind === "full" || step.kind === "unloaded") queue.putBack(job);
        if (step.kind === "later") queue.postpone(job);
        if (step.kind === "wait") queue.park(job, step.until, () => this.schedule());
        if (step.kind === "full" || step.kind === "unloaded") break;
        if (job.dryRun) tried += job.weight;
        if (batch.events.size >= limits.batchBytesMax || tried >= triedMax) break;
      }
    } catch (error) {
      if (!isStateFault(error)) throw error;
      this.#fault = error;
      if (job) batch.failures.push(failing(queue, job, state.settledAt));
    }
  }

  /** Appends a batch and answers it. */
  async #finish(batch: Batch): Promise<void> {
    const { log, shard, runtime, held, queue } = this.#on;
    try {
      if (batch.events.length > 0) await appendSurely(log, shard, batch, runtime);
      else if (batch.answers.length > 0) await assertUpToDate(log, shard, batch);
    } catch (error) {
      if (!isLedgerError(error)) throw error;
      return this.#standDown(error, batch);
    }
    this.#frames.giveBack(batch.events);
    held.state.settle(batch.after + batch.events.length);
    for (const answer of batch.answers) answer();
    queue.resume();
    this.#flush(batch.events.length, this.#ahead === undefined);
    if (this.#fault) await this.#standDown(this.#fault);
  }

  /** A slice of the flush. When the decision state can no longer be written, that is `#fault`. */
  #flush(added: number, quiet: boolean): void {
    try {
      const waiting = this.#on.held.flushSlice(added, quiet);
      void waiting?.then(() => this.#stopping || this.schedule());
      this.#retryFlush();
    } catch (error) {
      if (!isStateFault(error)) throw error;
      this.#fault = error;
    }
  }

  /** A flush that the disk did not take is tried again, also when no command comes. */
  #retryFlush(): void {
    const { held, runtime } = this.#on;
    const { retryInMs } = held;
    if (retryInMs === undefined || this.#retrying) return;
    this.#retrying = true;
    void runtime.delay(retryInMs).then(() => {
      this.#retrying = false;
      if (held.standing.ready && !this.#stopping) this.schedule();
    });
  }

  /**
   * The decision state failed, or an append for certain: nothing of the batch happened, nor of the one decided after it; of a bulk that was
   * begun in an earlier batch, something did. The shard is taken again, from its log.
   */
  async #standDown(error: LedgerError, batch?: Batch): Promise<void> {
    const { held, queue } = this.#on;
    this.#fault = undefined;
    held.stepDown(error);
    for (const failed of [batch, this.#ahead]) for (const fail of failed?.failures ?? []) fail(error);
    this.#ahead = undefined;
    for (const job of queue.drain()) {
      queue.release(job);
      job.fail(failureOf(job, error, held.state.settledAt));
    }
    await held.retake();
  }
}

function failing(queue: JobQueue, job: Job, durable: Revision): (error: LedgerError) => void {
  return (error) => {
    queue.release(job);
    job.fail(failureOf(job, error, durable));
  };
}
