import { type DestinationStream, type Logger, pino } from "pino";
import { openLogLines } from "./log-lines.ts";

export type { Logger } from "pino";
export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

const STDERR = 2;

/** Logs one JSON line per entry, to stderr by default: stdout is for the output of commands. Never logs tokens. */
export function createLogger(options: { level: LogLevel; name: string; to?: DestinationStream }): Logger {
  return pino(
    { name: options.name, level: options.level, redact: ["req.headers.authorization", "headers.authorization"] },
    options.to ?? openLogLines(STDERR),
  );
}
