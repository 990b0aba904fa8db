import { openSqliteLog } from "../adapters/sqlite/event-log/log.ts";
import { isLedgerError } from "../domain/errors.ts";
import { makeEvents } from "./event-log-events.ts";

export type ChildOrder = { readonly first: number; readonly count: number; readonly size: number };
/** The last revision of an append, or the code of its error. */
export type ChildReport = { readonly last?: number; readonly code?: string; readonly message?: string };

const tell = (told: ChildReport): void => {
  process.send?.(told);
};

// Makes a write beyond the process's file size limit fail, instead of ending the process.
process.on("SIGXFSZ", () => undefined);
const log = await openSqliteLog({ file: process.argv[2] ?? "" });
tell({});
process.on("message", ({ first, count, size }: ChildOrder) => {
  log.append(0, first - 1, makeEvents(first, count, { size })).then(
    (last) => tell({ last }),
    (error: unknown) => {
      if (isLedgerError(error)) tell({ code: error.code, message: error.message });
      else tell({ code: String(error) });
    },
  );
});
