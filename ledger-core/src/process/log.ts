import { type DestinationStream, destination, type Logger, pino } from "pino";

export type { Logger } from "pino";
export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/**
 * One JSON line per entry, on stderr unless told otherwise: stdout belongs to what a command prints. Tokens are never
 * written.
 */
export function createLogger(options: { level: LogLevel; name: string; to?: DestinationStream }): Logger {
  return pino(
    { name: options.name, level: options.level, redact: ["req.headers.authorization", "headers.authorization"] },
    options.to ?? destination({ fd: 2, sync: true }),
  );
}
