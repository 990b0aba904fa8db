import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Micros } from "../domain/time.ts";
import type { Runtime } from "../ports/runtime.ts";

/** Node's clock, event loop and randomness. */
export const systemRuntime: Runtime = {
  now: makeWallClock({ wallMs: () => Date.now(), elapsedMs: () => performance.now() }),
  elapsedMs: () => performance.now(),
  defer: (task) => void setImmediate(task),
  delay: (ms) => delay(ms),
  every(ms, task) {
    const timer = setInterval(task, ms).unref();
    return () => clearInterval(timer);
  },
  random: (below) => randomInt(below),
};

export type ClockSources = {
  /** The wall clock in whole milliseconds; may be set forwards or back. */
  readonly wallMs: () => number;
  /** A monotonic clock, in ms with fractions. */
  readonly elapsedMs: () => number;
};

/**
 * The wall clock in microseconds: its millisecond, refined by the monotonic clock. Always agrees with the wall clock to
 * the millisecond, so corrections apply at once; `performance.timeOrigin` is never corrected.
 */
export function makeWallClock({ wallMs, elapsedMs }: ClockSources): () => Micros {
  /** The wall clock's reading when the monotonic clock was at `anchorMs`. */
  let anchorUs = Number.NaN;
  let anchorMs = 0;
  return () => {
    const tickUs = wallMs() * 1000;
    const nowMs = elapsedMs();
    const expectedUs = anchorUs + Math.floor((nowMs - anchorMs) * 1000);
    if (expectedUs >= tickUs && expectedUs < tickUs + 1000) return expectedUs;
    // The wall clock was set, or the two clocks drifted apart by a fraction of a millisecond.
    anchorUs = expectedUs > tickUs && expectedUs < tickUs + 2000 ? tickUs + 999 : tickUs;
    anchorMs = nowMs;
    return anchorUs;
  };
}
