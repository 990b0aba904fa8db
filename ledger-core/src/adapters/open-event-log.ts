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
    case "eventstoredb": {
      const log = await openRemoteLog(target);
      return { log, close: () => log.close() };
    }
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
      return await openRemoteLog(target);
    default:
      return target satisfies never;
  }
}

/** The driver is loaded only where it is used: it takes 55 MB. */
async function openRemoteLog(target: Extract<EventLogTarget, { kind: "eventstoredb" }>): Promise<EventLog> {
  const { openEventStoreDb } = await import("./eventstoredb/log.ts");
  return openEventStoreDb(target.url, target);
}
