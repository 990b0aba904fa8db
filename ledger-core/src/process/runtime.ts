import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Runtime } from "../ports/runtime.ts";
import { makeWallClock } from "./wall-clock.ts";

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
