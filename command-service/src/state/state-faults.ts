import { isLedgerError, LedgerError } from "ledger-core";

/** SQLITE_IOERR_SHORT_READ, _DATA and _CORRUPTFS: the disk answered, but not with what was written. */
const DAMAGED_READS = new Set([522, 8202, 8458]);
const DISK_FULL = 13;
const BUSY_OR_AWAY = new Set([3, 5, 6, 7, 8, 10, 14, 23]);
const NO_ROOM = new Set(["ENOSPC", "EDQUOT"]);
const DISK_AWAY = new Set(["EIO", "EROFS", "EACCES", "EPERM", "EMFILE", "ENFILE", "EBUSY", "ENOMEM"]);

/** The decision state on disk is not what was written: it is rebuilt from the log. */
export function stateCorrupt(detail: string, cause?: unknown): LedgerError {
  return new LedgerError("state_corrupt", `the decision state is damaged: ${detail}`, { cause });
}

/** The decision state cannot be read or written for now; nothing says that it is damaged. */
export function stateUnavailable(detail: string, cause?: unknown): LedgerError {
  return new LedgerError("state_unavailable", detail, { cause, retryable: true });
}

type StateFault = LedgerError & { readonly code: "state_corrupt" | "state_unavailable" };

/** An error that the writer's state gave, as opposed to its log's. */
export function isStateFault(error: unknown): error is StateFault {
  return isLedgerError(error, "state_corrupt") || isLedgerError(error, "state_unavailable");
}

/** An error for which the shard stands down by itself: its state's, or its clock's. */
export function isShardFault(error: unknown): error is LedgerError {
  return isStateFault(error) || isLedgerError(error, "clock_unconfirmed");
}

/** Runs what touches the files of the decision state: whatever goes wrong on the disk leaves as an operating error. */
export function onStateDisk<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translateStateFault(error);
  }
}

/** The one place where errors of SQLite and of the file system become operating errors; a bug stays what it is. */
export function translateStateFault(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof LedgerError) return error;
  if ("errcode" in error && typeof error.errcode === "number") return sqliteFault(error, error.errcode);
  // An integer too large for JavaScript: none that we wrote is.
  if (error instanceof RangeError) return stateCorrupt(error.message, error);
  if (!("code" in error && typeof error.code === "string")) return error;
  if (NO_ROOM.has(error.code)) return stateUnavailable("the disk is full", error);
  return DISK_AWAY.has(error.code) ? stateUnavailable(`the disk fails (${error.code})`, error) : error;
}

function sqliteFault(error: Error, errcode: number): LedgerError {
  const code = errcode & 0xff;
  if (code === DISK_FULL) return stateUnavailable("the disk is full", error);
  if (BUSY_OR_AWAY.has(code) && !DAMAGED_READS.has(errcode))
    return stateUnavailable(`the disk fails (${error.message})`, error);
  return stateCorrupt(`${error.message} (${errcode})`, error);
}
