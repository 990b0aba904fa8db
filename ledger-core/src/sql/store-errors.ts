import { isLedgerError, LedgerError, type LedgerErrorCode } from "../domain/errors.ts";

/**
 * Whether a query failed because its table is not there: a rebuild switched and dropped it; ask model_versions again.
 */
export function isMissingTable(error: unknown): boolean {
  return faultOf(error)?.kind === "missing_table";
}

/** Whether a query failed because its server cannot be reached, rather than because of the query. */
export function isServerAway(error: unknown): boolean {
  return faultOf(error)?.kind === "away";
}

/** Whether a MySQL server does not write at all: it is a replica, or has become one. */
export function refusesToWrite(error: unknown): boolean {
  return error instanceof Error && "errno" in error && (error.errno === 1290 || error.errno === 1836);
}

/** Runs work on a store: a driver's error becomes a LedgerError, a bug stays as it is. */
export async function translateStoreErrors<Result>(store: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw storeError(store, error);
  }
}

/** A driver's error as an operating error, anything else unchanged. `store` names the store for people. */
export function storeError(store: string, error: unknown): unknown {
  if (isLedgerError(error)) return error;
  const fault = faultOf(error);
  if (!fault) return error;
  const { code, retryable, text } = faults[fault.kind];
  return new LedgerError(code, `${store}: ${text} (${fault.detail})`, { retryable, cause: error });
}

type FaultKind = "away" | "busy" | "full" | "refused_row" | "missing_table" | "damaged";

const faults: Record<FaultKind, { code: LedgerErrorCode; retryable: boolean; text: string }> = {
  away: { code: "store_unavailable", retryable: true, text: "cannot be reached" },
  busy: { code: "store_unavailable", retryable: true, text: "another transaction was in the way" },
  full: { code: "store_unavailable", retryable: true, text: "cannot write" },
  refused_row: { code: "poison_event", retryable: false, text: "does not take a row" },
  missing_table: { code: "incompatible", retryable: false, text: "lacks a table or column" },
  damaged: { code: "store_damaged", retryable: false, text: "is damaged or no database" },
};

/**
 * SQLite's primary result codes (sqlite.org/rescode.html), and those extended ones that mean something else than their
 * primary.
 */
const sqliteFaults: Record<number, FaultKind> = {
  5: "busy",
  6: "busy",
  8: "full",
  10: "full",
  11: "damaged",
  13: "full",
  14: "away",
  18: "refused_row",
  19: "refused_row",
  20: "refused_row",
  26: "damaged",
  // IOERR_SHORT_READ: the file ends before what it must hold, which no trying again brings back. The file ends too
  // early, a checksum of the file system does not match, the file system is corrupt: no trying again mends it.
  522: "damaged",
  8202: "damaged",
  8458: "damaged",
};

/**
 * Messages of SQLite's general code 1: the header is damaged, or a statement does not fit the tables of the file, which
 * are another program's or damaged.
 */
const general: readonly (readonly [RegExp, FaultKind])[] = [
  [/unsupported file format/, "damaged"],
  [
    /no such (table|column|index)|has no column named|does not match any PRIMARY KEY|no query solution/,
    "missing_table",
  ],
];

/** Server error numbers of MySQL and MariaDB. */
const mysqlFaults: Record<number, FaultKind> = {
  1021: "full",
  1040: "away",
  1045: "away",
  1049: "away",
  1048: "refused_row",
  1053: "away",
  1062: "refused_row",
  1114: "full",
  1142: "full",
  1146: "missing_table",
  1152: "away",
  1158: "away",
  1159: "away",
  1160: "away",
  1161: "away",
  1184: "away",
  1054: "missing_table",
  1203: "away",
  1205: "busy",
  1213: "busy",
  1264: "refused_row",
  1290: "full",
  1317: "away",
  1366: "refused_row",
  1406: "refused_row",
  1412: "missing_table",
  1836: "full",
  1927: "away",
  1969: "busy",
  3024: "busy",
  3169: "away",
  3819: "refused_row",
  4025: "refused_row",
};

/** mysql2's errors without a code, for a statement after its connection was lost, such as knex's ROLLBACK. */
const afterLoss = /(Can't add new command when connection is in|Can't write in) closed state/;

const networkCodes = /^(ECONN|ETIMEDOUT|EPIPE|EHOST|ENET|ENOTFOUND|EAI_AGAIN|PROTOCOL_|HANDSHAKE_)/;
const certificateCodes = /^(ERR_TLS|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/;

function faultOf(error: unknown): { kind: FaultKind; detail: string } | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if ("errcode" in error && typeof error.errcode === "number") {
    const said = error.errcode === 1 ? general.find(([text]) => text.test(error.message))?.[1] : undefined;
    const kind = said ?? sqliteFaults[error.errcode] ?? sqliteFaults[error.errcode % 256];
    return kind && { kind, detail: `SQLite ${error.errcode}` };
  }
  if ("errno" in error && typeof error.errno === "number" && error.errno > 0) {
    const kind = mysqlFaults[error.errno];
    if (kind) return { kind, detail: `${code} ${error.errno}` };
  }
  const isLost = networkCodes.test(code) || afterLoss.test(error.message);
  if (isLost || certificateCodes.test(code) || error.name === "KnexTimeoutError")
    return { kind: "away", detail: code || error.name };
  return undefined;
}
