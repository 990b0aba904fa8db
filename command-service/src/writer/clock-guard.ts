import { formatInstant, LedgerError, type Micros, type Runtime } from "ledger-core";

export type ClockLimits = {
  /**
   * How far the wall clock may run ahead of the expected time, in ms. A single event with a far future time would shift
   * daily limits and expiry for good. Default 30 days; from 1,000.
   */
  readonly clockAheadMaxMs?: number;
  /** Trusts the clock at the start, however far it is after the last event. Default false. */
  readonly acceptClock?: boolean;
};

const AHEAD_MAX_MS = 30 * 86_400_000;
const HOW_TO_ACCEPT = "set the clock right, or confirm that it is right with `ledger start --accept-clock`";

/**
 * The writer's wall clock, refused when it jumps far ahead. It is compared with the last event at the start, and with
 * the monotonic clock from then on. A step back is accepted: log time does not go back with it.
 */
export class ClockGuard {
  readonly #runtime: Runtime;
  readonly #aheadMaxMs: number;
  readonly #accepted: boolean;
  /** The last accepted time, and the monotonic clock then; undefined before the start. */
  #followed: Micros | undefined;
  #followedAtMs = 0;

  constructor(runtime: Runtime, { clockAheadMaxMs = AHEAD_MAX_MS, acceptClock = false }: ClockLimits) {
    this.#runtime = runtime;
    this.#aheadMaxMs = clockAheadMaxMs;
    this.#accepted = acceptClock;
  }

  /**
   * The time when the shard is taken. Compares it with the last event only the first time in a process: later, that
   * event may be old, and the clock is already known.
   * @param last time of the last event; null in an empty log, which accepts any clock
   * @throws clock_unconfirmed
   */
  onTaking(last: Micros | null): Micros {
    const now = this.#runtime.now();
    if (this.#followed === undefined && last !== null && !this.#accepted)
      this.#check(now, last, "the last event is of");
    return this.now();
  }

  /** @throws clock_unconfirmed when the clock is too far ahead */
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
