import { isLedgerError } from "ledger-core";
import { type Recovered, type RecoveryOptions, recover } from "./recovery.ts";

const FLUSH_SLICE_MS = 1;
/** An event writes down a key and, with many accounts, two of them: up to 10 µs. */
const FLUSH_MS_PER_EVENT = 0.01;
/** Pages of accounts, some 320 MB, that may change before they are written, however small the tail is. */
const PAGES_MAX = 16_384;
/** A page of accounts costs about as much to write as so many keys. */
const ENTRIES_PER_PAGE = 32;
/** The tail that may gather while another is written, in multiples of `flushAt`. */
const TAILS_MAX = 2;

export type Standing = { readonly ready: boolean; readonly detail: string };

/** The shard in this writer's hands: its decision state, who writes, and whether it may be served. */
export class HeldShard {
  readonly #recovery: RecoveryOptions;
  readonly #tell: (standing: Standing) => void;
  #held: Recovered;
  #standing: Standing;
  #flushing: Generator<void> | undefined;

  private constructor(recovery: RecoveryOptions, held: Recovered, tell: (standing: Standing) => void) {
    this.#recovery = recovery;
    this.#held = held;
    this.#tell = tell;
    this.#standing = serving(recovery, held);
  }

  /** @throws what the log throws when it cannot be read or appended to */
  static async take(recovery: RecoveryOptions, tell: (standing: Standing) => void): Promise<HeldShard> {
    return new HeldShard(recovery, await recover(recovery), tell);
  }

  get state(): Recovered["state"] {
    return this.#held.state;
  }
  get by(): Recovered["by"] {
    return this.#held.by;
  }
  get standing(): Standing {
    return this.#standing;
  }
  get flushing(): boolean {
    return this.#flushing !== undefined;
  }
  /** Whether a flush should begin as soon as everything that was decided is in the log. */
  get flushDue(): boolean {
    const { state } = this.#held;
    return !this.#flushing && state.tailSize >= tailWorth(state.changedPages, this.#recovery.flushAt);
  }

  /**
   * A slice of the flush for the events that a batch added: as long as they may cost to write down, so that a flush ends before the
   * next is due. Where that is not enough the flush is brought to its end at once: the tail is bounded, whatever the load.
   * @param quiet everything that was decided is in the log: a flush may begin
   */
  flushSlice(added: number, quiet: boolean): void {
    const { state } = this.#held;
    if (quiet && this.flushDue) this.#flushing = state.flush();
    if (!this.#flushing) return;
    const { runtime, flushAt } = this.#recovery;
    const until = runtime.elapsedMs() + Math.max(FLUSH_SLICE_MS, added * FLUSH_MS_PER_EVENT);
    const behind = state.tailSize >= TAILS_MAX * flushAt;
    // At least a step: the first of a flush holds fast what it writes, and the next batch may be ahead of the log.
    do {
      if (!this.#flushing.next().done) continue;
      this.#flushing = undefined;
      return;
    } while (behind || runtime.elapsedMs() < until);
  }

  /** Nothing is served from here on; the state holds what is not in the log, and is given up. */
  stepDown(why: string): void {
    this.#stand(false, `stepped down: ${why}`);
    if (this.#flushing) this.#held.file.rollback();
    this.#flushing = undefined;
    this.#held.file.close();
  }

  /** Takes the shard again, from its log; tries until it is taken or `stopping`. */
  async retake(stopping: () => boolean): Promise<void> {
    const { runtime, shard } = this.#recovery;
    for (let waitMs = 100; !stopping(); waitMs = Math.min(waitMs * 2, 5000)) {
      try {
        this.#held = await recover(this.#recovery);
        this.#stand(true, serving(this.#recovery, this.#held).detail);
        return;
      } catch (again) {
        if (!isLedgerError(again)) throw again;
        this.#stand(false, `cannot take shard ${shard}: ${again.message}`);
        await runtime.delay(waitMs);
      }
    }
  }

  /** Writes the state down and lets go of its file. */
  close(): void {
    if (!this.#standing.ready) return;
    while (this.#flushing && !this.#flushing.next().done);
    this.#flushing = undefined;
    for (const _ of this.#held.state.flush());
    this.#held.file.close();
  }

  #stand(ready: boolean, detail: string): void {
    this.#standing = { ready, detail };
    this.#tell(this.#standing);
  }
}

/**
 * The tail that is worth a flush. With few accounts changed that is little, so that the disk gets a little often and no append waits for much;
 * with many it is more, since their pages are written again by each flush.
 */
function tailWorth(changedPages: number, flushAt: number): number {
  if (changedPages >= PAGES_MAX) return 0;
  return Math.min(flushAt, Math.max(flushAt / 8, changedPages * ENTRIES_PER_PAGE));
}

function serving({ shard }: RecoveryOptions, { state }: Recovered): Standing {
  return { ready: true, detail: `serving shard ${shard} from epoch ${state.epoch}` };
}
