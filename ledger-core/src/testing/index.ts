export * from "./auditor.ts";
export { type EventShape, makeEvents, readAll } from "./event-log-events.ts";
export { openTestLog } from "./event-log-sqlite.ts";
export { eventLogSuite, type LogUnderTest } from "./event-log-suite.ts";
export * as examples from "./examples.ts";
export * from "./facts.ts";
export * from "./given.ts";
export * from "./memory-state.ts";
