import { setTimeout as delay } from "node:timers/promises";
import { isLedgerError } from "../../domain/errors.ts";
import { exceptionOf, isRefusal } from "./faults.ts";

const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 1000;

/** How long a read that was dropped is begun again, with growing waits, since it last got anywhere. */
export class Resuming {
  readonly #resumeMs: number;
  readonly #closed: AbortSignal;
  #sinceMs: number | undefined;
  #waitMs = 0;

  constructor(resumeMs: number, closed: AbortSignal) {
    this.#resumeMs = resumeMs;
    this.#closed = closed;
  }

  progressed(): void {
    this.#sinceMs = undefined;
    this.#waitMs = 0;
  }

  /** Waits until the next attempt. @throws the error, when the attempts are over or another one is of no use */
  async after(error: unknown): Promise<void> {
    this.#sinceMs ??= performance.now();
    const over = performance.now() - this.#sinceMs + this.#waitMs > this.#resumeMs;
    if (over || !isLedgerError(error, "log_unavailable") || !isPassing(error.cause)) throw error;
    await delay(this.#waitMs, undefined, { signal: this.#closed }).catch(() => undefined);
    this.#waitMs = Math.min(LONGEST_WAIT_MS, Math.max(FIRST_WAIT_MS, 2 * this.#waitMs));
  }
}

/** Whether a repetition may mend it. What has no cause is our own end. */
function isPassing(error: unknown): boolean {
  return error !== undefined && !isRefusal(error) && exceptionOf(error) !== "stream-deleted";
}
