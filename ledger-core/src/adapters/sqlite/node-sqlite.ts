import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from "node:sqlite";
import knex, { type Knex } from "knex";
import BetterSqlite3Client from "knex/lib/dialects/better-sqlite3/index.js";
import type { SqlValue } from "../../sql/rows.ts";
import { silentLog } from "../knex-log.ts";
import { newestStore } from "./store-files.ts";

type SqliteConnection = {
  readonly file: string;
  /** Opens the newest file of the store whose first file is `file`. */
  readonly newest?: boolean;
  /** Creates no file and writes nothing; several such connections may read beside the writer. */
  readonly readOnly?: boolean;
  /** How long a statement waits for another connection's lock; default 5000. */
  readonly busyTimeoutMs?: number;
  /** The connection's page cache; default 192 to write, 16 to read. */
  readonly cacheMiB?: number;
};

type Row = Record<string, SQLOutputValue>;
type Prepared = { readonly statement: StatementSync; readonly reads: boolean; readonly numbers: readonly string[] };
type Connection = { readonly database: DatabaseSync; readonly prepared: Map<string, Prepared> };
type Query = {
  readonly sql: string;
  readonly bindings?: readonly unknown[];
  response?: unknown;
  context?: { lastID: number; changes: number };
};

/** Cached prepared statements; more than a program has, since batches have few sizes. */
const STATEMENTS_MAX = 400;

/**
 * knex over Node's bundled SQLite, with nothing to compile or install. One writing connection (a second one in the same
 * thread would wait for the first forever), or up to four reading ones.
 * BIGINT columns and computed integers come back as bigint, columns of smaller integer types as number, as from MySQL.
 */
export function connectSqlite(connection: SqliteConnection): Knex {
  return knex({
    client: NodeSqliteClient,
    connection: { filename: connection.file, ...connection },
    useNullAsDefault: true,
    compileSqlOnError: false,
    log: silentLog,
    pool: connection.readOnly ? { min: 0, max: 4 } : { min: 1, max: 1 },
  });
}

class NodeSqliteClient extends BetterSqlite3Client {
  _driver(): typeof DatabaseSync {
    return DatabaseSync;
  }

  override async acquireRawConnection(): Promise<Connection> {
    return { database: openSqlite(settingsOf(this.connectionSettings)), prepared: new Map() };
  }

  override async destroyRawConnection(connection: Connection): Promise<void> {
    connection.prepared.clear();
    connection.database.close();
  }

  async _query(connection: Connection, query: Query): Promise<Query> {
    // A transaction that reads before it writes cannot wait for the write lock; one that begins as a writer can.
    const sql =
      query.sql === "BEGIN;" && !settingsOf(this.connectionSettings).readOnly ? "BEGIN IMMEDIATE;" : query.sql;
    // After some faults SQLite rolls back by itself; report the fault then, not that there is nothing to
    // roll back.
    if (/^ROLLBACK;?$/i.test(sql) && !connection.database.isTransaction) {
      query.response = { changes: 0 };
      return query;
    }
    const { statement, reads, numbers } = prepare(connection, sql);
    const bindings = (query.bindings ?? []).map(toSqlite);
    if (reads) {
      const rows = statement.all(...bindings);
      if (numbers.length > 0) for (const row of rows) narrow(row, numbers);
      query.response = rows;
    } else {
      const { changes, lastInsertRowid } = statement.run(...bindings);
      query.response = { changes: Number(changes) };
      query.context = { lastID: Number(lastInsertRowid), changes: Number(changes) };
    }
    return query;
  }

  /** Runs a statement with its values unchanged: knex's conversion of thousands of values costs more than the rows. */
  run({ prepared, database }: Connection, sql: string, values: readonly SqlValue[]): void {
    prepare({ prepared, database }, sql).statement.run(...values);
  }
}
Object.assign(NodeSqliteClient.prototype, { driverName: "node:sqlite" });

function settingsOf(settings: object): SqliteConnection {
  const number = (name: string) => {
    const value = Object.entries(settings).find(([key]) => key === name)?.[1];
    return typeof value === "number" ? { [name]: value } : {};
  };
  const file = "file" in settings && typeof settings.file === "string" ? settings.file : ":memory:";
  const readOnly = "readOnly" in settings && settings.readOnly === true;
  const newest = "newest" in settings && settings.newest === true;
  return { file, readOnly, newest, ...number("busyTimeoutMs"), ...number("cacheMiB") };
}

/** Opens a SQLite file that can be rebuilt from the log; integers are read as bigint. */
export function openSqlite(connection: SqliteConnection): DatabaseSync {
  const { file, newest, readOnly = false, busyTimeoutMs = 5000, cacheMiB = readOnly ? 16 : 192 } = connection;
  const path = newest ? newestStore(file) : file;
  const database = new DatabaseSync(path, { readOnly, timeout: busyTimeoutMs, readBigInts: true });
  try {
    database.exec(`PRAGMA cache_size = ${-1024 * cacheMiB}; PRAGMA temp_store = MEMORY;`);
    if (!readOnly) database.exec(writing);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Commits do not wait for the disk, since the file can be rebuilt: after a power cut it is sound, and a few commits
 * behind together with its checkpoint. The journal may grow to 128 MiB, so that a page that many commits change is
 * copied into the file once.
 */
const writing = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 32768;";

function prepare(connection: Connection, sql: string): Prepared {
  const known = connection.prepared.get(sql);
  if (known) {
    connection.prepared.delete(sql);
    connection.prepared.set(sql, known);
    return known;
  }
  const statement = connection.database.prepare(sql);
  const columns = statement.columns();
  const numbers = columns.filter(({ type }) => type !== null && /^(?!big).*int/i.test(type)).map(({ name }) => name);
  const prepared = { statement, reads: columns.length > 0, numbers };
  connection.prepared.set(sql, prepared);
  const oldest = connection.prepared.keys().next();
  if (connection.prepared.size > STATEMENTS_MAX && !oldest.done) connection.prepared.delete(oldest.value);
  return prepared;
}

function narrow(row: Row, columns: readonly string[]): void {
  for (const column of columns) {
    const value = row[column];
    if (typeof value === "bigint") row[column] = Number(value);
  }
}

function toSqlite(value: unknown): SQLInputValue {
  switch (typeof value) {
    case "string":
    case "number":
    case "bigint":
      return value;
    case "boolean":
      return value ? 1 : 0;
    default:
      if (value === null || value === undefined) return null;
      if (value instanceof Uint8Array) return value;
      throw new TypeError(`SQLite cannot store ${Object.prototype.toString.call(value)}`);
  }
}
