import { setTimeout as delay } from "node:timers/promises";
import { isLedgerError } from "../../domain/errors.ts";
import { exceptionOf, isRefusal } from "./faults.ts";

const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 1000;

/** Retries of a dropped read, with growing pauses, for at most `resumeMs` since its last progress. */
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

  /** Waits before the next attempt. @throws the error, if time is up or a retry cannot help */
  async after(error: unknown): Promise<void> {
    this.#sinceMs ??= performance.now();
    const over = performance.now() - this.#sinceMs + this.#waitMs > this.#resumeMs;
    if (over || !isLedgerError(error, "log_unavailable") || !isPassing(error.cause)) throw error;
    await delay(this.#waitMs, undefined, { signal: this.#closed }).catch(() => undefined);
    this.#waitMs = Math.min(LONGEST_WAIT_MS, Math.max(FIRST_WAIT_MS, 2 * this.#waitMs));
  }
}

/** Whether a retry can help. An error without a cause is our own close. */
function isPassing(error: unknown): boolean {
  return error !== undefined && !isRefusal(error) && exceptionOf(error) !== "stream-deleted";
}
