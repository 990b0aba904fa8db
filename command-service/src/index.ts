export { watchDecisionState } from "./decision-state-watch.ts";
export { renderAnswer } from "./http/answers.ts";
export { defaultRails, parseRails } from "./http/rails.ts";
export { registerCommands } from "./http/routes.ts";
export { DecisionState, type DecisionStateOptions } from "./state/decision-state.ts";
export type { DuePage } from "./state/due-holds.ts";
export { openDiskStorage } from "./state/keys/disk-storage.ts";
export type { KeyRunsOptions } from "./state/keys/key-runs.ts";
export { type KeyStorage, storageOn } from "./state/keys/key-storage.ts";
export type { KeyFiles } from "./state/keys/key-work.ts";
export { type KeyPlace, KnownKeys, unknownPlace } from "./state/keys/known-keys.ts";
export type { PageKind, Pages } from "./state/pages.ts";
export { type StateFile, stateFileOn } from "./state/state-file.ts";
export type { StateLayout } from "./state/state-root.ts";

export { openWriter, type WriterOptions, type WriterTuning } from "./writer/writer.ts";
export { type WriterSeams, writerSeams } from "./writer/writer-seams.ts";
export * from "./writer-port.ts";
