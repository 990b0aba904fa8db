export type { ReplayProgress } from "./recovery.ts";
export * from "./submission.ts";
export { openWriter, type WriterOptions } from "./writer.ts";
