import { assert, isLedgerError, LedgerError, publicReason } from "ledger-core";
import { type Flush, finishFlush } from "../state/flush.ts";
import { isShardFault, isStateFault, stateCorrupt, stateUnavailable } from "../state/state-faults.ts";
import { discard, type Recovered, type RecoveryOptions, recover } from "./recovery.ts";

export type FlushLimits = {
  /** A slice of a flush between two batches takes at least so long. Default 1; from 0. */
  readonly flushSliceMs?: number;
  /**
   * And for each event of the batch before so much longer: what writing it down costs, with many accounts. Default
   * 0.01; from 0.
   */
  readonly flushMsPerEvent?: number;
  /**
   * Pages of accounts that may change before they are written, however small the tail is. Default 16,384, some 320 MB;
   * from 1.
   */
  readonly changedPagesMax?: number;
  /** The tail that may gather while another is written, in multiples of `flushAt`. Default 2; from 1. */
  readonly tailsMax?: number;
  /**
   * Entries that may wait in memory while the disk accepts no writes, in multiples of `flushAt`; beyond it the shard
   * stands down. Default 4; from 1.
   */
  readonly unwrittenMax?: number;
  /** Reads of the state file that may fail in a row before the file counts as damaged. Default 3; from 1. */
  readonly failedReadsMax?: number;
};

/** A page of accounts costs about as much to write as so many keys. */
const ENTRIES_PER_PAGE = 32;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5000;

/** `detail` is for everybody: it names no file. */
export type ShardReadiness = { readonly ready: boolean; readonly detail: string };

type ShardOwnershipOptions = Omit<RecoveryOptions, "readFailed"> &
  FlushLimits & {
    /** Told when the shard is no longer served, and why, and when it is again. */
    readonly tell: (readiness: ShardReadiness, cause?: LedgerError) => void;
    /** Told when a flush failed for want of room or by the disk, and is tried again. */
    readonly onUnwritten: (why: string) => void;
  };

/** A flush that failed, and when it is tried again. */
type Unwritten = { readonly why: string; readonly retryAtMs: number; readonly waitMs: number };

/** The shard in this writer's hands: its decision state, who writes, and whether it may be served. */
export class ShardOwnership {
  readonly #options: ShardOwnershipOptions & RecoveryOptions;
  #held: Recovered | undefined;
  #readiness: ShardReadiness = { ready: false, detail: "starting" };
  #flushing: Flush | undefined;
  /** What the flush waits for. */
  #waiting: Promise<void> | undefined;
  #unwritten: Unwritten | undefined;
  /** The damage for which the file is to be taken out of the way, once it is closed. */
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
   * A state file that cannot be opened or written, or a wild clock, is no reason not to start: the shard is then not
   * ready, and `retake` is to be called.
   * @throws what the log throws when it cannot be read or appended to
   */
  static async take(options: ShardOwnershipOptions): Promise<ShardOwnership> {
    const shard = new ShardOwnership(options);
    try {
      shard.#hold(await recover(shard.#options));
    } catch (error) {
      if (!isShardFault(error)) throw error;
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
  get ready(): boolean {
    return this.#readiness.ready;
  }
  /** Whether a flush is under way that waits for nothing. */
  get flushing(): boolean {
    return this.#flushing !== undefined && this.#waiting === undefined;
  }
  /** Whether the tail is at its bound while another is written: the flush under way ends before more is decided. */
  get overdue(): boolean {
    const { flushAt, tailsMax = 2 } = this.#options;
    return this.#flushing !== undefined && this.#ours.state.tailSize >= tailsMax * flushAt;
  }
  /** Settles when the flush under way can go on. */
  get flushWaits(): Promise<void> | undefined {
    return this.#waiting;
  }
  /** Whether a flush should begin as soon as everything that was decided is in the log. */
  get flushDue(): boolean {
    if (this.#flushing || !this.#held) return false;
    if (this.#unwritten) return this.#options.runtime.elapsedMs() >= this.#unwritten.retryAtMs;
    const { state } = this.#held;
    return state.tailSize >= this.#tailWorth(state.changedPages);
  }

  /**
   * A slice of the flush for the events that a batch added: as long as they may cost to write down, so that a flush
   * ends before the next is due. Where that is not enough the flush is brought to its end at once: the tail is bounded,
   * whatever the load.
   * @param quiet everything that was decided is in the log: a flush may begin
   * @returns what it waits for, when it begins to
   * @throws state_corrupt · state_unavailable when more would be unwritten than memory has room for
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
    // At least a step: the first of a flush holds fast what it writes, and the next batch may be ahead of the log.
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

  /** The disk took nothing: the shard serves on, and the flush is tried again when a while has passed. */
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

  /** How long until a flush that failed should be tried again; undefined when none failed. */
  get retryInMs(): number | undefined {
    return this.#unwritten && Math.max(0, this.#unwritten.retryAtMs - this.#options.runtime.elapsedMs());
  }

  /** Nothing is served from here on; the state may hold what is not in the log, and is given up. */
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

  /**
   * A read that fails again and again is damage: the rest of the file may be sound, and that part of the disk never
   * answers.
   */
  #damageOf(fault: LedgerError): LedgerError | undefined {
    if (fault.code === "state_corrupt") return fault;
    const { failedReadsMax = 3 } = this.#options;
    if (this.#unwritten || ++this.#failedReads < failedReadsMax) return undefined;
    this.#failedReads = 0;
    return stateCorrupt(`it could not be read ${failedReadsMax} times: ${fault.message}`, fault);
  }

  /** Takes the shard again, from its log; tries until it is taken or the writer stops. */
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
   * The tail that is worth a flush. With few accounts changed that is little, so that the disk gets a little often and
   * no append waits for much; with many it is more, since their pages are written again by each flush.
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
