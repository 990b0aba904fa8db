export * as examples from "./examples.ts";
export * from "./facts.ts";
export * from "./given.ts";
export * from "./memory-state.ts";
