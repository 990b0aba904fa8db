import {
  isLedgerError,
  type LedgerError,
  type Micros,
  NO_REVISION,
  type Revision,
  type Runtime,
  type Shard,
} from "ledger-core";
import { type EventLog, makeFramesPool } from "ledger-core/event-log";
import type { DecisionState } from "../state/decision-state.ts";
import { isShardFault, isStateFault } from "../state/state-faults.ts";
import type { ClockGuard } from "./clock-guard.ts";
import { decideJob } from "./decide-job.ts";
import { appendSurely, assertUpToDate, type BatchLimits, type DecidedBatch, openBatch } from "./decided-batch.ts";
import { type BulkLimits, DecidingView } from "./deciding.ts";
import { failureOf } from "./failures.ts";
import { answer, isBegun, type Job, shareBeginning } from "./jobs.ts";
import { type Loaded, type LoadLimits, load } from "./load.ts";
import type { JobQueue } from "./queue.ts";
import type { ShardOwnership } from "./shard-ownership.ts";
import type { WriterSeams } from "./writer-seams.ts";

type WriterLoopOptions = {
  readonly log: EventLog;
  readonly shard: Shard;
  readonly runtime: Runtime;
  readonly clock: ClockGuard;
  readonly queue: JobQueue;
  readonly ownership: ShardOwnership;
  readonly decide: WriterSeams["decide"];
  readonly loadLimits: LoadLimits;
  readonly limits: BatchLimits;
  readonly bulkLimits: BulkLimits;
  readonly pipelineThreshold: number;
  readonly triedMax: number;
};

/**
 * The writer's loop: take, load, decide, append, answer, one batch after another. One batch is appended at a time. If
 * many commands wait, the next batch is loaded and decided meanwhile, on a state ahead of the log; if the append fails,
 * that state and everything decided on it are dropped.
 */
export class WriterLoop {
  readonly #options: WriterLoopOptions;
  readonly #frames = makeFramesPool();
  #running = false;
  #stopping = false;
  #onIdle: (() => void) | undefined;
  /** Resolves when the append, or the retaking of the shard, that is under way ends. */
  #appending: Promise<void> | undefined;
  /** The batch being appended: its events are found here until they can be read from the log. */
  #undurable: DecidedBatch | undefined;
  /** The batch decided meanwhile. */
  #ahead: DecidedBatch | undefined;
  /** A fault of the decision state or the clock: the shard steps down before anything else is appended. */
  #fault: LedgerError | undefined;
  #retrying = false;

  constructor(options: WriterLoopOptions) {
    this.#options = options;
    if (!options.ownership.ready) this.#holdUntil(options.ownership.retake());
  }

  /** Starts the loop if there is work and it is not running. */
  wake(): void {
    if (this.#running || !this.#hasWork) return;
    this.#running = true;
    this.#run().catch(this.#endByBug);
  }

  async #run(): Promise<void> {
    while (this.#hasWork) {
      // Let commands that arrived on other sockets in this turn of the event loop join the batch.
      await new Promise<void>((resolve) => this.#options.runtime.defer(resolve));
      await this.#nextBatch();
    }
    this.#running = false;
    this.#rest();
  }

  async #nextBatch(): Promise<void> {
    const { ownership, queue, pipelineThreshold } = this.#options;
    // With few commands waiting, gather until the append completes; a flush begins when nothing is ahead of the log.
    if (this.#appending && (ownership.flushDue || !queue.holds(pipelineThreshold))) return this.#appending;
    if (!(await this.#flushIsInTime())) return;

    // Take and load. Only this loop decides, so the state does not change during the load, unless the shard steps down.
    const loaded = await this.#load();
    if (!loaded) return this.#standDownAfterAppend();

    // Decide: synchronously, in order, ahead of the log.
    const batch = this.#decide(loaded);
    this.#ahead = batch;

    // Wait for the previous batch. If its append failed, this one failed too, and the shard was taken again.
    await this.#appending;
    if (this.#ahead !== batch) return;
    if (this.#fault) return this.#standDownAfterAppend();
    this.#ahead = undefined;

    // Point of no return: from here on the batch may be in the log, whatever the append reports.
    this.#holdUntil(this.#append(batch));
  }

  /** Loads what the first jobs of the queue need. Undefined if the shard stepped down or must. */
  async #load(): Promise<Loaded | undefined> {
    const { log, shard, ownership, queue, loadLimits } = this.#options;
    if (!ownership.ready || this.#fault) return undefined;
    const { state } = ownership;
    const superseded = () => !ownership.ready || ownership.state !== state || this.#fault !== undefined;
    const undurable = () => this.#undurable;
    try {
      return await load({ log, shard, state, undurable, superseded, limits: loadLimits }, queue.upcoming());
    } catch (error) {
      if (!superseded()) this.shardFailed(error);
      else if (!isShardFault(error)) throw error;
      return undefined;
    }
  }

  /** Decides the loaded jobs until the batch is full; a job that does not fit stays first. */
  #decide(loaded: Loaded): DecidedBatch {
    const { queue, ownership, runtime, decide, shard, limits, bulkLimits, triedMax } = this.#options;
    const { state, by } = ownership;
    const batch = openBatch(state, this.#now(state), limits, this.#frames.take());
    const view = new DecidingView(state, loaded.payments, batch, shard);
    const on = { ...{ decide, state, view, by, batch, decided: batch, bulkLimits, runtime }, context: undefined };
    let tried = 0;
    try {
      for (let left = this.#fault ? 0 : loaded.jobs; left > 0; left--) {
        const job = queue.first;
        if (!job || !decideJob(on, job)) break;
        queue.shift();
        if (job.failure && !isBegun(job)) this.#fail(job, job.failure, NO_REVISION);
        else batch.jobs.push(job);
        if (job.dryRun) tried += job.weight;
        if (batch.events.size >= limits.batchBytesMax || tried >= triedMax) break;
      }
    } catch (error) {
      if (!isStateFault(error)) throw error;
      this.#fault = error;
    }
    return batch;
  }

  /** The time of the next batch. If the clock is wrong, the shard steps down. */
  #now(state: DecisionState): Micros {
    try {
      return this.#options.clock.now();
    } catch (error) {
      this.shardFailed(error);
      return state.at;
    }
  }

  /** Appends a batch, and answers its jobs once it is durable. */
  async #append(batch: DecidedBatch): Promise<void> {
    const { log, shard, runtime, ownership } = this.#options;
    this.#undurable = batch;
    try {
      if (batch.events.length > 0) await appendSurely(log, shard, batch, runtime);
      else if (batch.jobs.some(({ told }) => told)) await assertUpToDate(log, shard, batch);
    } catch (error) {
      if (!isLedgerError(error)) throw error;
      return this.#standDown(error);
    }
    this.#undurable = undefined;
    ownership.state.settle(batch.after + batch.events.length);
    for (const job of batch.jobs) this.#answer(job);
    this.#frames.giveBack(batch.events);
    this.#flush(batch.events.length, this.#ahead === undefined);
    if (this.#fault) await this.#standDown(this.#fault);
  }

  #answer(job: Job): void {
    const { queue, ownership } = this.#options;
    if (job.failure) {
      this.#fail(job, job.failure, ownership.state.settledAt);
      return;
    }
    queue.release(job);
    answer(job);
  }

  #fail(job: Job, error: LedgerError, durable: Revision): void {
    this.#options.queue.release(job);
    job.fail(failureOf(job, error, durable));
  }

  /**
   * Fails all jobs and takes the shard again from its log, after the decision state or an append failed. Neither the
   * batch nor the one decided after it took effect; an earlier part of a bulk may have.
   */
  async #standDown(error: LedgerError): Promise<void> {
    const { ownership, queue } = this.#options;
    this.#fault = undefined;
    ownership.stepDown(error);
    const decided = [this.#undurable, this.#ahead].flatMap((batch) => batch?.jobs ?? []);
    this.#undurable = undefined;
    this.#ahead = undefined;
    const waiting = queue.drain();
    const [begun] = waiting;
    for (const job of waiting) if (begun) shareBeginning(begun, job);
    for (const job of [...decided, ...waiting]) this.#fail(job, error, ownership.state.settledAt);
    await ownership.retake();
  }

  /** Stands down, unless the append under way does so first. */
  async #standDownAfterAppend(): Promise<void> {
    await this.#appending;
    if (this.#fault) this.#holdUntil(this.#standDown(this.#fault));
  }

  /** Stands down for a fault of the decision state or the clock; rethrows any other error. */
  shardFailed(error: unknown): void {
    if (!isShardFault(error)) throw error;
    if (!this.#options.ownership.ready) return;
    this.#fault ??= error;
    this.wake();
  }

  /** Lets nothing be appended until the work has ended. */
  #holdUntil(work: Promise<void>): void {
    this.#appending = work.catch(this.#endByBug).finally(() => {
      this.#appending = undefined;
      this.wake();
      this.#rest();
    });
  }

  /** Ends the process, as an uncaught bug does. */
  readonly #endByBug = (error: unknown): void =>
    this.#options.runtime.defer(() => {
      throw error;
    });

  /** Resolves when everything accepted is answered. */
  async idle(): Promise<void> {
    this.#stopping = true;
    if (!this.#isIdle) await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }

  get #isIdle(): boolean {
    return !this.#running && this.#appending === undefined && this.#options.queue.empty;
  }

  #rest(): void {
    if (this.#isIdle) this.#onIdle?.();
  }

  get #hasWork(): boolean {
    const { ownership, queue } = this.#options;
    if (!ownership.ready) return false;
    return (
      !queue.empty || this.#fault !== undefined || (!this.#appending && (ownership.flushing || ownership.flushDue))
    );
  }

  /** Finishes the flush under way if the tail is full. @returns whether the shard is still served */
  async #flushIsInTime(): Promise<boolean> {
    const { ownership } = this.#options;
    while (ownership.ready && !this.#fault && ownership.overdue) {
      await ownership.flushWaits;
      if (ownership.ready) this.#flush(0, false);
    }
    return ownership.ready;
  }

  /** Runs a slice of the flush. If the decision state can no longer be written, the shard steps down. */
  #flush(added: number, quiet: boolean): void {
    try {
      const waiting = this.#options.ownership.flushSlice(added, quiet);
      void waiting?.then(() => this.#stopping || this.wake());
      this.#retryFlush();
    } catch (error) {
      if (!isStateFault(error)) throw error;
      this.#fault = error;
    }
  }

  /** Retries a failed flush, even without commands. */
  #retryFlush(): void {
    const { ownership, runtime } = this.#options;
    const { retryInMs } = ownership;
    if (retryInMs === undefined || this.#retrying || ownership.flushing || ownership.flushWaits) return;
    this.#retrying = true;
    // A timer may fire slightly early.
    void runtime.delay(Math.max(1, retryInMs)).then(() => {
      this.#retrying = false;
      if (!ownership.ready || this.#stopping) return;
      if (ownership.flushDue) this.wake();
      else this.#retryFlush();
    });
  }
}
