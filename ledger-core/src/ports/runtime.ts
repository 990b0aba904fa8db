import type { Micros } from "../domain/time.ts";

/**
 * Everything a process takes from outside that is not a message: time, turns of the event loop, and chance. Production
 * takes them from Node (`systemRuntime` in `ledger-core/process`); the simulator gives its own, so that a seed
 * determines a whole run.
 */
export type Runtime = {
  /** Wall-clock time; may jump either way, and shows a correction within a second. */
  now(): Micros;
  /** A clock for measuring spans only; never jumps. Milliseconds. */
  elapsedMs(): number;
  /** Runs a task after what has arrived in this turn of the event loop. */
  defer(task: () => void): void;
  delay(ms: number): Promise<void>;
  /** Runs a task again and again until it is stopped; does not keep a process alive. */
  every(ms: number, task: () => void): () => void;
  /** An integer from 0 up to and without `below`, unpredictable. */
  random(below: number): number;
};
