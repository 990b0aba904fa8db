import { isLedgerError } from "../domain/errors.ts";
import { stopOnSignals } from "./lifecycle.ts";
import { createLogger, type Logger, type LogLevel } from "./log.ts";

/** A service that listens. */
export type RunningService = { readonly url: string; stop(): Promise<void> };

export type ServiceMain<Settings> = {
  readonly name: string;
  /** @throws LedgerError config */
  readonly read: () => Settings;
  /** @throws LedgerError when it cannot start; nothing is left open then */
  readonly start: (settings: Settings, logger: Logger) => Promise<RunningService>;
};

const EXIT_NOT_STARTED = 1;
/** An orderly stop ends within 10 s. */
const STOP_BOUND_MS = 10_000;

/**
 * Runs a service as a process of its own: prints where it listens as one line of JSON, and ends in order with 0 at
 * SIGTERM or SIGINT. A service that cannot start is logged and ends the process with 1.
 */
export async function runService<Settings extends { readonly LEDGER_LOG_LEVEL: LogLevel }>({
  name,
  read,
  start,
}: ServiceMain<Settings>): Promise<void> {
  let logger = createLogger({ name, level: "info" });
  try {
    const settings = read();
    logger = createLogger({ name, level: settings.LEDGER_LOG_LEVEL });
    const { url, stop } = await start(settings, logger);
    stopOnSignals({ stop, boundMs: STOP_BOUND_MS, logger });
    process.stdout.write(`${JSON.stringify({ url, pid: process.pid })}\n`);
  } catch (error) {
    if (!isLedgerError(error)) throw error;
    logger.fatal({ code: error.code, err: error }, "the service does not start");
    process.exitCode = EXIT_NOT_STARTED;
  }
}
