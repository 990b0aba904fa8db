export { type RenderedAnswer, renderAnswer } from "./answers.ts";
export { type WriterParts, writerParts } from "./parts.ts";
export { defaultRails, parseRails } from "./rails.ts";
export type { ReplayProgress } from "./recovery.ts";
export { type CommandOptions, registerCommands } from "./routes.ts";
export { DecisionState, type DecisionStateOptions } from "./state/decision-state.ts";
export { type StateFile, stateFileOn } from "./state/state-file.ts";
export * from "./submission.ts";
export { openWriter, type WriterOptions, type WriterTuning } from "./writer.ts";
