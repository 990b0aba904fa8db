export { allocateYoung } from "./allocation.ts";
export * from "./env.ts";
export * from "./lifecycle.ts";
export * from "./log.ts";
export { systemRuntime } from "./runtime.ts";
export { keepTicksFast } from "./ticks.ts";
export { makeWallClock } from "./wall-clock.ts";
