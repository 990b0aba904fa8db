import type { Knex } from "knex";
import { assert, isLedgerError, LedgerError, type LedgerErrorCode } from "../domain/errors.ts";

/** Everything in which SQLite and MySQL (and MariaDB) differ for us; no other file asks which of them it talks to. */
export type Dialect = "sqlite" | "mysql";

export function dialectOf(db: Knex): Dialect {
  return db.client.dialect === "sqlite3" ? "sqlite" : "mysql";
}

/**
 * `id`: ASCII, compared by bytes, up to 40 characters. `word`: a short ASCII word. `name`: text that is indexed, up to 255
 * characters. `text`: any length that an event can have. `day`: 2026-11-22. Both dialects compare and sort all of them by bytes.
 */
export type ColumnType = "id" | "word" | "name" | "text" | "day" | "int" | "bigint";

const columnTypes: Record<Dialect, Record<ColumnType, string>> = {
  sqlite: { id: "text", word: "text", name: "text", text: "text", day: "text", int: "integer", bigint: "bigint" },
  mysql: {
    id: "varchar(40) character set ascii collate ascii_bin",
    word: "varchar(24) character set ascii collate ascii_bin",
    name: "varchar(255) character set utf8mb4 collate utf8mb4_bin",
    text: "mediumtext character set utf8mb4 collate utf8mb4_bin",
    day: "char(10) character set ascii collate ascii_bin",
    int: "int",
    bigint: "bigint",
  },
};

export function columnType(db: Knex, type: ColumnType): string {
  return columnTypes[dialectOf(db)][type];
}

/** The statements that create a table whose rows lie in the order of its primary key, and its indexes. */
export function createTexts(
  db: Knex,
  table: {
    readonly name: string;
    readonly definitions: readonly string[];
    readonly key: readonly string[];
    readonly indexes: readonly (readonly string[])[];
    /** Columns that may be NULL: an index that begins with one leaves those rows out where the database can. */
    readonly sparse: readonly string[];
  },
): string[] {
  const list = (columns: readonly string[]) => columns.map((column) => `\`${column}\``).join(", ");
  const named = table.indexes.map((index) => ({
    name: `\`${indexName(table.name, index)}\``,
    columns: list(index),
    where: table.sparse.includes(index[0] ?? "") ? ` WHERE \`${index[0]}\` IS NOT NULL` : "",
  }));
  const body = [...table.definitions, `PRIMARY KEY (${list(table.key)})`];
  if (dialectOf(db) === "sqlite") {
    return [
      `CREATE TABLE IF NOT EXISTS \`${table.name}\` (${body.join(", ")}) WITHOUT ROWID`,
      ...named.map(
        ({ name, columns, where }) => `CREATE INDEX IF NOT EXISTS ${name} ON \`${table.name}\` (${columns})${where}`,
      ),
    ];
  }
  body.push(...named.map(({ name, columns }) => `INDEX ${name} (${columns})`));
  return [`CREATE TABLE IF NOT EXISTS \`${table.name}\` (${body.join(", ")}) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`];
}

/** The name of a table's index on these columns. */
export function indexName(table: string, columns: readonly string[]): string {
  return `${table}_by_${columns.join("_")}`;
}

/**
 * A table for FROM, to be walked along its index on these columns, or along its primary key. Where a filter, an order and a limit
 * meet, both planners at times take another index and read a whole history to find a page.
 */
export function viaIndex(db: Knex, table: string, columns: readonly string[] | "primary key", alias = table): Knex.Raw {
  const sqlite = dialectOf(db) === "sqlite";
  if (columns === "primary key") return db.raw(sqlite ? "?? AS ??" : "?? AS ?? FORCE INDEX (PRIMARY)", [table, alias]);
  const text = sqlite ? "?? AS ?? INDEXED BY ??" : "?? AS ?? FORCE INDEX (??)";
  return db.raw(text, [table, alias, indexName(table, columns)]);
}

/** Rows of one statement, a power of two: bounded by SQLite's 32,766 parameters, and on MySQL by the packet. */
export function rowsPerStatement(db: Knex, columns: number): number {
  const most = dialectOf(db) === "sqlite" ? Math.min(64, 32_000 / columns) : 1024;
  return 2 ** Math.floor(Math.log2(most));
}

/** How an INSERT goes on when its key is there: `replace` takes the new value, `add` the sum of old and new. */
export function onConflict(
  db: Knex,
  key: readonly string[],
  change: { readonly replace?: readonly string[]; readonly add?: readonly string[] },
): string {
  const sqlite = dialectOf(db) === "sqlite";
  const fresh = (column: string) => (sqlite ? `excluded.\`${column}\`` : `VALUES(\`${column}\`)`);
  const set = [
    ...(change.replace ?? []).map((column) => `\`${column}\` = ${fresh(column)}`),
    ...(change.add ?? []).map((column) => `\`${column}\` = \`${column}\` + ${fresh(column)}`),
  ].join(", ");
  return sqlite
    ? ` ON CONFLICT (${key.map((column) => `\`${column}\``).join(", ")}) DO UPDATE SET ${set}`
    : ` ON DUPLICATE KEY UPDATE ${set}`;
}

/** The text that sets one column of `rows` rows by their key; its parameters are key, value, key, value. */
export function updateText(db: Knex, table: string, key: string, column: string, rows: number): string {
  if (dialectOf(db) === "sqlite") {
    const values = Array.from({ length: rows }, () => "(?, ?)").join(", ");
    return `UPDATE \`${table}\` SET \`${column}\` = v.column2 FROM (VALUES ${values}) AS v WHERE \`${table}\`.\`${key}\` = v.column1`;
  }
  const values = Array.from({ length: rows }, (_, row) => (row === 0 ? "SELECT ? AS k, ? AS v" : "SELECT ?, ?"));
  return `UPDATE \`${table}\` t JOIN (${values.join(" UNION ALL ")}) n ON t.\`${key}\` = n.k SET t.\`${column}\` = n.v`;
}

/** A table for FROM that consists of parameters, row by row: ids in each of its columns. */
export function derivedRows(db: Knex, columns: readonly string[], rows: number): string {
  if (dialectOf(db) === "sqlite") {
    const values = Array.from({ length: rows }, () => `(${columns.map(() => "?").join(", ")})`).join(", ");
    const named = columns.map((column, n) => `column${n + 1} AS \`${column}\``).join(", ");
    return `(SELECT ${named} FROM (VALUES ${values}))`;
  }
  // In the character set of ids: compared in another one, no index on them is used.
  const one = columns.map((column) => `CONVERT(? USING ascii) COLLATE ascii_bin AS \`${column}\``).join(", ");
  return `(${Array.from({ length: rows }, () => `SELECT ${one}`).join(" UNION ALL ")})`;
}

/**
 * The end of a SELECT that keeps its rows as they are until the transaction ends: `share` lets others do the same, `update` nobody.
 * SQLite needs no word: a transaction on its writing connection is alone from its beginning.
 */
export function lockText(db: Knex, lock: "share" | "update"): string {
  if (dialectOf(db) === "sqlite") return "";
  return lock === "share" ? " LOCK IN SHARE MODE" : " FOR UPDATE";
}

/**
 * Runs work that changes tables, one process at a time. On SQLite it is one transaction; MySQL commits at every change of a
 * table, so there each step must bear being repeated.
 * @throws store_unavailable when another process holds the lock for a minute
 */
export async function alone<Result>(db: Knex, lock: string, work: (trx: Knex) => Promise<Result>): Promise<Result> {
  return db.transaction(async (trx) => {
    if (dialectOf(db) === "sqlite") return work(trx);
    const [row] = await selectRows<{ held: bigint | number | null }>(trx, "SELECT GET_LOCK(?, 60) AS held", [lock]);
    if (Number(row?.held) !== 1) {
      throw new LedgerError("store_unavailable", `the lock ${lock} is held by another process`, { retryable: true });
    }
    try {
      return await work(trx);
    } finally {
      await selectRows(trx, "SELECT RELEASE_LOCK(?)", [lock]);
    }
  });
}

/** A transaction in which every read sees the store as it was at one moment, whatever others commit meanwhile. */
export async function inSnapshot<Result>(db: Knex, work: (trx: Knex) => Promise<Result>): Promise<Result> {
  return dialectOf(db) === "sqlite"
    ? db.transaction(work)
    : db.transaction(work, { isolationLevel: "repeatable read" });
}

export type SqlValue = string | number | bigint | null;

/** Parameters for knex, whose types do not know that both of its drivers here take a bigint. */
export function bindings(values: readonly SqlValue[]): readonly Knex.RawBinding[] {
  assert(areBindings(values), "a parameter is text, a number, a bigint or NULL");
  return values;
}

function areBindings(values: readonly unknown[]): values is readonly Knex.RawBinding[] {
  return values.every(
    (value) => typeof value === "string" || typeof value === "bigint" || typeof value === "number" || value === null,
  );
}

/** The rows of a raw SELECT, alike from both. */
export async function selectRows<Row = Record<string, unknown>>(
  db: Knex,
  sql: string,
  values: readonly SqlValue[] = [],
): Promise<Row[]> {
  const result = await db.raw(sql, bindings(values));
  return dialectOf(db) === "sqlite" ? result : result[0];
}

/** How many rows an INSERT, UPDATE or DELETE met. */
export async function affectedRows(db: Knex, sql: string, values: readonly SqlValue[]): Promise<number> {
  const result = await send(db, sql, values);
  return dialectOf(db) === "sqlite" ? result.changes : result[0].affectedRows;
}

/**
 * Sends a text and its parameters to the driver as they are: `raw` looks at each of a batch's thousands of parameters for what knex could
 * put in its place, which takes longer than SQLite takes for the rows.
 */
async function send(db: Knex, sql: string, values: readonly SqlValue[]) {
  const connection = await db.client.acquireConnection();
  try {
    const { response } = await db.client.query(connection, { sql, bindings: values, method: "raw" });
    return response;
  } finally {
    await db.client.releaseConnection(connection);
  }
}

/** What SQLite finds wrong with its own file, indexes that do not fit their tables among it; MySQL watches over its own. */
export async function integrityFaults(db: Knex): Promise<string[]> {
  if (dialectOf(db) !== "sqlite") return [];
  const rows = await selectRows<{ integrity_check: string }>(db, "PRAGMA integrity_check(10)");
  return rows.map((row) => String(row.integrity_check)).filter((text) => text !== "ok");
}

/** Whether a query failed because its table is not there: a rebuild switched and dropped it; ask model_versions again. */
export function isMissingTable(error: unknown): boolean {
  return faultOf(error)?.kind === "missing_table";
}

/** Runs a piece of work on a store; what its driver throws comes out as a LedgerError, and a bug as it is. */
export async function onStore<Result>(store: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw storeError(store, error);
  }
}

/** A driver's error as an operating error; anything else as it came. `store` says for people which store it was. */
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

/** SQLite's primary result codes (sqlite.org/rescode.html), and those extended ones that mean something else than their primary. */
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
  // IOERR_SHORT_READ: the file ends before what it must hold, which no trying again brings back.
  // The file ends too early, a checksum of the file system does not match, the file system is corrupt: no trying again mends it.
  522: "damaged",
  8202: "damaged",
  8458: "damaged",
};

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
  1054: "missing_table",
  1203: "away",
  1205: "busy",
  1213: "busy",
  1264: "refused_row",
  1290: "full",
  1366: "refused_row",
  1406: "refused_row",
  1412: "missing_table",
  1836: "full",
  1927: "away",
  3024: "busy",
  3819: "refused_row",
  4025: "refused_row",
};

const awayCodes =
  /^(ECONN|ETIMEDOUT|EPIPE|EHOST|ENET|ENOTFOUND|EAI_AGAIN|PROTOCOL_|ERR_TLS|CERT_|HANDSHAKE_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/;

function faultOf(error: unknown): { kind: FaultKind; detail: string } | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if ("errcode" in error && typeof error.errcode === "number") {
    const missing = error.errcode === 1 && /no such (table|column|index)/.test(error.message);
    const kind = missing ? "missing_table" : (sqliteFaults[error.errcode] ?? sqliteFaults[error.errcode % 256]);
    return kind && { kind, detail: `SQLite ${error.errcode}` };
  }
  if ("errno" in error && typeof error.errno === "number" && error.errno > 0) {
    const kind = mysqlFaults[error.errno];
    if (kind) return { kind, detail: `${code} ${error.errno}` };
  }
  if (awayCodes.test(code) || error.name === "KnexTimeoutError") return { kind: "away", detail: code || error.name };
  return undefined;
}
