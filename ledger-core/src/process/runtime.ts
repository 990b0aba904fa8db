import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Micros } from "../domain/time.ts";
import type { Runtime } from "../ports/runtime.ts";

/** The real clock, event loop and source of chance. */
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
  /** The wall clock in whole milliseconds; may be set, forwards and back. */
  readonly wallMs: () => number;
  /** Measures spans alone, in fractions of milliseconds; never set. */
  readonly elapsedMs: () => number;
};

/**
 * The wall clock in microseconds: its millisecond, and within it what has passed since it began, by the clock that
 * measures spans. It agrees with the wall clock to the millisecond at every reading, so a correction shows at once;
 * `performance.timeOrigin` is the wall clock of the process's start, and never corrected.
 */
export function makeWallClock({ wallMs, elapsedMs }: ClockSources): () => Micros {
  /** The wall clock as the other one would have it go on: at `anchorMs` elapsed it said `anchorUs`. */
  let anchorUs = Number.NaN;
  let anchorMs = 0;
  return () => {
    const tickUs = wallMs() * 1000;
    const nowMs = elapsedMs();
    const expectedUs = anchorUs + Math.floor((nowMs - anchorMs) * 1000);
    if (expectedUs >= tickUs && expectedUs < tickUs + 1000) return expectedUs;
    // The wall clock was set, or the two drifted apart by a part of a millisecond.
    anchorUs = expectedUs > tickUs && expectedUs < tickUs + 2000 ? tickUs + 999 : tickUs;
    anchorMs = nowMs;
    return anchorUs;
  };
}
