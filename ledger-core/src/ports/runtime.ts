import type { Micros } from "../domain/time.ts";

/**
 * A process's clock, timers, turns of the event loop and randomness. Production uses Node's (`systemRuntime` in
 * `ledger-core/process`); the simulator provides its own, so that a seed determines a whole run.
 */
export type Runtime = {
  /** Wall-clock time; may jump either way, and reflects a correction within a second. */
  now(): Micros;
  /** A monotonic clock for measuring durations, in milliseconds. */
  elapsedMs(): number;
  /** Runs a task after everything that has arrived in this turn of the event loop. */
  defer(task: () => void): void;
  delay(ms: number): Promise<void>;
  /** Runs a task repeatedly until the returned function is called; does not keep the process alive. */
  every(ms: number, task: () => void): () => void;
  /** An unpredictable integer from 0 up to but not including `below`. */
  random(below: number): number;
};
