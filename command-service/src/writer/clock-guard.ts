import { formatInstant, LedgerError, type Micros, type Runtime } from "ledger-core";

export type ClockLimits = {
  /**
   * How far the wall clock may be ahead of where it should be and is still followed, in ms: one wild event would keep
   * daily limits and expiry in its future for good. Default 30 days; from 1,000.
   */
  readonly clockAheadMaxMs?: number;
  /** The clock is right as it is at the start, however far after the last event. Default false. */
  readonly acceptClock?: boolean;
};

const AHEAD_MAX_MS = 30 * 86_400_000;
const HOW_TO_ACCEPT = "set the clock right, or confirm that it is right with `ledger start --accept-clock`";

/**
 * The writer's clock: the wall clock, unless it is wild. At the start it is held against the time of the last event;
 * from then on against the clock that measures spans. A clock that falls back is followed: log time does not fall with
 * it.
 */
export class ClockGuard {
  readonly #runtime: Runtime;
  readonly #aheadMaxMs: number;
  readonly #accepted: boolean;
  /** The last time that was followed, and the spans' clock then; none before the start. */
  #followed: Micros | undefined;
  #followedAtMs = 0;

  constructor(runtime: Runtime, { clockAheadMaxMs = AHEAD_MAX_MS, acceptClock = false }: ClockLimits) {
    this.#runtime = runtime;
    this.#aheadMaxMs = clockAheadMaxMs;
    this.#accepted = acceptClock;
  }

  /**
   * The time on taking a shard; only the first time in a process is the last event asked: later it may be old, and the
   * clock is known.
   * @param last time of the last event; null in an empty log, which has any clock
   * @throws clock_unconfirmed
   */
  onTaking(last: Micros | null): Micros {
    const now = this.#runtime.now();
    if (this.#followed === undefined && last !== null && !this.#accepted)
      this.#check(now, last, "the last event is of");
    return this.now();
  }

  /** @throws clock_unconfirmed when it is further ahead than may be followed */
  now(): Micros {
    const now = this.#runtime.now();
    const elapsedMs = this.#runtime.elapsedMs();
    if (this.#followed !== undefined) {
      this.#check(now, this.#followed + (elapsedMs - this.#followedAtMs) * 1000, "by the time that has passed it is");
    }
    this.#followed = now;
    this.#followedAtMs = elapsedMs;
    return now;
  }

  #check(now: Micros, expected: Micros, what: string): void {
    if (now - expected <= this.#aheadMaxMs * 1000) return;
    const days = Math.round(this.#aheadMaxMs / 86_400_000);
    const allowed = days > 0 ? `${days} days` : `${this.#aheadMaxMs / 1000} s`;
    const told = `the clock says ${formatInstant(now)}, and ${what} ${formatInstant(Math.round(expected))}`;
    throw new LedgerError("clock_unconfirmed", `${told}: more than ${allowed} ahead; ${HOW_TO_ACCEPT}`, {
      retryable: true,
    });
  }
}
