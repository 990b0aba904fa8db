export { type RenderedAnswer, renderAnswer } from "./answers.ts";
export type { ReplayProgress } from "./recovery.ts";
export { type CommandOptions, registerCommands } from "./routes.ts";
export * from "./submission.ts";
export { openWriter, type WriterOptions } from "./writer.ts";
