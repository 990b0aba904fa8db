import { assert, isLedgerError, LedgerError, publicReason } from "ledger-core";
import { type Flush, finishFlush } from "../state/flush.ts";
import { isShardFault, isStateFault, stateCorrupt, stateUnavailable } from "../state/state-faults.ts";
import { discard, type Recovered, type RecoveryOptions, recover } from "./recovery.ts";

export type FlushLimits = {
  /** The least time per slice of a flush between two batches. Default 1; from 0. */
  readonly flushSliceMs?: number;
  /** Time per event of the previous batch that is added to a slice: the cost of writing one. Default 0.01; from 0. */
  readonly flushMsPerEvent?: number;
  /** Changed pages of accounts that trigger a flush, however small the tail is. Default 16,384, some 320 MB; from 1. */
  readonly changedPagesMax?: number;
  /** The largest tail while another one is written, in multiples of `flushAt`. Default 2; from 1. */
  readonly tailsMax?: number;
  /**
   * Entries kept in memory while the disk accepts no writes, in multiples of `flushAt`; beyond it the shard steps down.
   * Default 4; from 1.
   */
  readonly unwrittenMax?: number;
  /** Failed reads in a row after which the state file counts as damaged. Default 3; from 1. */
  readonly failedReadsMax?: number;
};

/** A page of accounts costs about as much to write as this many keys. */
const ENTRIES_PER_PAGE = 32;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5000;

/** `detail` is public: it names no file. */
export type ShardReadiness = { readonly ready: boolean; readonly detail: string };

type ShardOwnershipOptions = Omit<RecoveryOptions, "readFailed"> &
  FlushLimits & {
    /** Whether to start while the log is away, too. Default: no. */
    readonly waitForLog?: boolean;
    /** Called when the shard is no longer served, with the reason, and when it is served again. */
    readonly tell: (readiness: ShardReadiness, cause?: LedgerError) => void;
    /** Called when a flush failed because of the disk and will be retried. */
    readonly onUnwritten: (why: string) => void;
  };

/** A failed flush, and when it is retried. */
type Unwritten = { readonly why: string; readonly retryAtMs: number; readonly waitMs: number };

/** This writer's hold on the shard: its decision state, its incarnation, and whether it may be served. */
export class ShardOwnership {
  readonly #options: ShardOwnershipOptions & RecoveryOptions;
  #held: Recovered | undefined;
  #readiness: ShardReadiness = { ready: false, detail: "starting" };
  #flushing: Flush | undefined;
  /** The work that the flush waits for. */
  #waiting: Promise<void> | undefined;
  #unwritten: Unwritten | undefined;
  /** Damage because of which the file is set aside once it is closed. */
  #damage: LedgerError | undefined;
  #closing: Promise<void> = Promise.resolve();
  #failedReads = 0;

  private constructor(options: ShardOwnershipOptions) {
    this.#options = {
      ...options,
      readFailed: (error) => this.#damageOf(error) ?? error,
      onReplay: (progress) => {
        options.onReplay(progress);
        const rebuilding =
          progress.kind === "discarded" ? "the decision state was damaged and is rebuilt" : progress.detail;
        this.#readiness = { ready: false, detail: `taking shard ${options.shard}: ${rebuilding}` };
      },
    };
  }

  /**
   * Starts even if the state file cannot be opened or written, or the clock is wrong: the shard is then not ready until
   * `retake` succeeds. So it does while the log is away, if it is to wait for that.
   * @throws the log's errors
   */
  static async take(options: ShardOwnershipOptions): Promise<ShardOwnership> {
    const shard = new ShardOwnership(options);
    try {
      shard.#hold(await recover(shard.#options));
    } catch (error) {
      const isAway = options.waitForLog && isLedgerError(error, "log_unavailable") && error.retryable;
      if (!isAway && !isShardFault(error)) throw error;
      shard.#standDown(`cannot take shard ${options.shard}`, error);
    }
    return shard;
  }

  get #ours(): Recovered {
    assert(this.#held, "a shard that was never taken has no state");
    return this.#held;
  }
  get state(): Recovered["state"] {
    return this.#ours.state;
  }
  get by(): Recovered["by"] {
    return this.#ours.by;
  }
  get readiness(): ShardReadiness {
    return this.#readiness;
  }
  /** The epoch of this writer; 0 while it does not hold the shard. */
  get epoch(): number {
    return this.#held?.state.epoch ?? 0;
  }
  get ready(): boolean {
    return this.#readiness.ready;
  }
  /** Whether a flush is under way and can go on now. */
  get flushing(): boolean {
    return this.#flushing !== undefined && this.#waiting === undefined;
  }
  /** Whether the tail is full while another is written: that flush must end before anything else is decided. */
  get overdue(): boolean {
    const { flushAt, tailsMax = 2 } = this.#options;
    return this.#flushing !== undefined && this.#ours.state.tailSize >= tailsMax * flushAt;
  }
  /** Resolves when the flush under way can go on. */
  get flushWaits(): Promise<void> | undefined {
    return this.#waiting;
  }
  /** Whether a flush should begin once everything decided is in the log. */
  get flushDue(): boolean {
    if (this.#flushing || !this.#held) return false;
    if (this.#unwritten) return this.#options.runtime.elapsedMs() >= this.#unwritten.retryAtMs;
    const { state } = this.#held;
    return state.tailSize >= this.#tailWorth(state.changedPages);
  }

  /**
   * Runs a slice of the flush, as long as the batch's events cost to write, so that a flush ends before the next is
   * due. If the tail fills up all the same, finishes the flush at once: the tail is bounded under any load.
   * @param quiet everything decided is in the log, so a flush may begin
   * @returns a promise when the flush begins to wait for work in another thread
   * @throws state_corrupt · state_unavailable when memory has no room for more unwritten entries
   */
  flushSlice(added: number, quiet: boolean): Promise<void> | undefined {
    const { state } = this.#ours;
    let waiting: Promise<void> | undefined;
    try {
      if (quiet && this.flushDue) {
        state.takeBackFlush();
        this.#flushing = state.flush();
      }
      waiting = this.#advance(added);
    } catch (error) {
      if (!isLedgerError(error, "state_unavailable")) throw error;
      this.#postpone(error);
    }
    if (this.#unwritten) this.#boundUnwritten(this.#unwritten);
    return waiting;
  }

  #advance(added: number): Promise<void> | undefined {
    const { runtime, flushAt, flushSliceMs = 1, flushMsPerEvent = 0.01, tailsMax = 2 } = this.#options;
    if (!this.#flushing || this.#waiting) return undefined;
    const until = runtime.elapsedMs() + Math.max(flushSliceMs, added * flushMsPerEvent);
    const behind = this.#ours.state.tailSize >= tailsMax * flushAt;
    // At least one step: the first one fixes what is written, and the next batch may be ahead of the log.
    do {
      const { done, value } = this.#flushing.next();
      if (value) return this.#waitFor(value);
      if (!done) continue;
      this.#flushing = undefined;
      this.#failedReads = 0;
      if (!this.#unwritten) return undefined;
      this.#hold(this.#ours);
      this.#options.tell(this.#readiness);
      return undefined;
    } while (behind || runtime.elapsedMs() < until);
    return undefined;
  }

  #waitFor(work: Promise<void>): Promise<void> {
    const waiting = work.then(() => {
      if (this.#waiting === waiting) this.#waiting = undefined;
    });
    this.#waiting = waiting;
    return waiting;
  }

  /** The disk refused the write: the shard goes on serving, and the flush is retried later. */
  #postpone({ message }: LedgerError): void {
    const waitMs = this.#unwritten ? Math.min(this.#unwritten.waitMs * 2, LONGEST_WAIT_MS) : FIRST_WAIT_MS;
    this.#flushing = undefined;
    this.#unwritten = { why: message, waitMs, retryAtMs: this.#options.runtime.elapsedMs() + waitMs };
    this.#options.onUnwritten(message);
  }

  #boundUnwritten({ why }: Unwritten): void {
    const { flushAt, unwrittenMax = 4, changedPagesMax = 16_384, shard } = this.#options;
    const { state } = this.#ours;
    const told = `the decision state cannot be written: ${why}`;
    const unwritten = state.unwrittenSize;
    if (unwritten >= unwrittenMax * flushAt || state.changedPages >= 2 * changedPagesMax) throw stateUnavailable(told);
    const detail = `${serving(shard, this.#ours)}; ${told}; ${unwritten} entries wait in memory`;
    this.#readiness = { ready: true, detail };
  }

  /** The time until a failed flush is retried; undefined if none failed. */
  get retryInMs(): number | undefined {
    return this.#unwritten && Math.max(0, this.#unwritten.retryAtMs - this.#options.runtime.elapsedMs());
  }

  /** Stops serving and drops the state, which may hold events that are not in the log. */
  stepDown(cause: LedgerError): void {
    this.#standDown("stepped down", cause);
    if (isStateFault(cause)) this.#damage = this.#damageOf(cause);
    const midFlush = this.#flushing !== undefined;
    this.#flushing = undefined;
    this.#waiting = undefined;
    this.#unwritten = undefined;
    const { file } = this.#ours;
    if (midFlush && !this.#damage) tryQuietly(() => file.rollback());
    this.#closing = file.close();
  }

  /** Repeatedly failing reads count as damage: a bad part of the disk may never answer. */
  #damageOf(fault: LedgerError): LedgerError | undefined {
    if (fault.code === "state_corrupt") return fault;
    const { failedReadsMax = 3 } = this.#options;
    if (this.#unwritten || ++this.#failedReads < failedReadsMax) return undefined;
    this.#failedReads = 0;
    return stateCorrupt(`it could not be read ${failedReadsMax} times: ${fault.message}`, fault);
  }

  /** Takes the shard again from its log; retries until it succeeds or the writer stops. */
  async retake(): Promise<void> {
    const { runtime, shard, stopping } = this.#options;
    await this.#closing;
    for (let waitMs = FIRST_WAIT_MS; !stopping(); waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
      try {
        if (this.#damage) discard(this.#options, this.#damage);
        this.#damage = undefined;
        this.#hold(await recover(this.#options));
        this.#options.tell(this.#readiness);
        return;
      } catch (again) {
        if (!isLedgerError(again)) throw again;
        this.#standDown(`cannot take shard ${shard}`, again);
        await runtime.delay(waitMs);
      }
    }
  }

  /** Flushes the state and closes its file. If the flush fails, the next start replays the log from the last one. */
  async close(): Promise<void> {
    await this.#closing;
    if (!this.#readiness.ready) return;
    const { state, file } = this.#ours;
    try {
      await this.#waiting;
      if (this.#flushing) await finishFlush(this.#flushing);
      state.takeBackFlush();
      await finishFlush(state.flush());
    } catch (error) {
      if (!isStateFault(error)) throw error;
      this.#options.onUnwritten(error.message);
    }
    this.#flushing = undefined;
    await file.close();
  }

  #hold(held: Recovered): void {
    this.#held = held;
    this.#unwritten = undefined;
    this.#readiness = { ready: true, detail: serving(this.#options.shard, held) };
  }

  #standDown(what: string, cause: LedgerError): void {
    this.#readiness = { ready: false, detail: `${what}: ${publicReason(cause)}` };
    this.#options.tell(this.#readiness, cause);
  }

  /**
   * The size of the tail that is worth a flush. With few changed accounts it is small, so that flushes are short; with
   * many it is larger, since each flush writes all their pages again.
   */
  #tailWorth(changedPages: number): number {
    const { flushAt, changedPagesMax = 16_384 } = this.#options;
    if (changedPages >= changedPagesMax) return 0;
    return Math.min(flushAt, Math.max(flushAt / 8, changedPages * ENTRIES_PER_PAGE));
  }
}

function serving(shard: number, { state }: Recovered): string {
  return `serving shard ${shard} from epoch ${state.epoch}`;
}

function tryQuietly(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
  }
}
