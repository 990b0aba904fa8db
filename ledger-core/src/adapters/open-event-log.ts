import { LedgerError } from "../domain/errors.ts";
import type { EventLog, EventSource } from "../ports/event-log.ts";
import type { EventLogTarget } from "../process/targets.ts";
import { openSqliteLogReader } from "./sqlite/event-log/reader.ts";
import { openLogThread } from "./sqlite/log-thread/log-thread.ts";

/** An opened log; `close` releases all that was opened for it. */
export type OpenedEventLog = { readonly log: EventLog; close(): Promise<void> };

/** Opens the log for its writer. @throws LedgerError locked, log_unavailable, log_corrupt, incompatible, config */
export async function openEventLog(target: EventLogTarget): Promise<OpenedEventLog> {
  switch (target.kind) {
    case "sqlite":
      return await openLogThread({ file: target.file, shared: true });
    case "eventstoredb":
      throw notBuilt();
    default:
      return target satisfies never;
  }
}

/** Opens the log for those who only read it. It may be unavailable: every method then throws log_unavailable. */
export async function openEventLogReader(target: EventLogTarget): Promise<EventSource> {
  switch (target.kind) {
    case "sqlite":
      return openSqliteLogReader({ file: target.file });
    case "eventstoredb":
      throw notBuilt();
    default:
      return target satisfies never;
  }
}

function notBuilt(): LedgerError {
  return new LedgerError("config", "this version has no adapter for esdb:// yet: set EVENT_LOG to sqlite:<file>");
}
