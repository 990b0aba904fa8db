export { allocateYoung } from "./allocation.ts";
export { dataPaths } from "./data-paths.ts";
export * from "./env.ts";
export * from "./lifecycle.ts";
export * from "./log.ts";
export { makeWallClock, systemRuntime } from "./runtime.ts";
export { type RunningService, runService } from "./service.ts";
export { keepTicksFast } from "./ticks.ts";
