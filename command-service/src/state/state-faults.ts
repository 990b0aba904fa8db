import { isLedgerError, LedgerError } from "ledger-core";

/** SQLITE_IOERR_SHORT_READ, _DATA and _CORRUPTFS: the disk answered, but not with what was written. */
const DAMAGED_READS = new Set([522, 8202, 8458]);
const DISK_FULL = 13;
const BUSY_OR_AWAY = new Set([3, 5, 6, 7, 8, 10, 14, 23]);
const NO_ROOM = new Set(["ENOSPC", "EDQUOT"]);
const DISK_AWAY = new Set(["EIO", "EROFS", "EACCES", "EPERM", "EMFILE", "ENFILE", "EBUSY", "ENOMEM"]);

/** The decision state on disk is damaged, and must be rebuilt from the log. */
export function stateCorrupt(detail: string, cause?: unknown): LedgerError {
  return new LedgerError("state_corrupt", `the decision state is damaged: ${detail}`, { cause });
}

/** The decision state cannot be read or written now, but may be sound. */
export function stateUnavailable(detail: string, cause?: unknown): LedgerError {
  return new LedgerError("state_unavailable", detail, { cause, retryable: true });
}

type StateFault = LedgerError & { readonly code: "state_corrupt" | "state_unavailable" };

/** Whether an error comes from the decision state, and not from the log. */
export function isStateFault(error: unknown): error is StateFault {
  return isLedgerError(error, "state_corrupt") || isLedgerError(error, "state_unavailable");
}

/** Whether an error of the state or the clock makes the shard step down. */
export function isShardFault(error: unknown): error is LedgerError {
  return isStateFault(error) || isLedgerError(error, "clock_unconfirmed");
}

/** Runs work on the files of the decision state, and translates faults of the disk into operating errors. */
export function onStateDisk<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translateStateFault(error);
  }
}

/** Translates errors of SQLite and of the file system into operating errors; bugs stay as they are. */
export function translateStateFault(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof LedgerError) return error;
  if ("errcode" in error && typeof error.errcode === "number") return sqliteFault(error, error.errcode);
  // An integer too large for JavaScript, which we never write.
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
