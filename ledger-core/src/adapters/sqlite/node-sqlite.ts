import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from "node:sqlite";
import knex, { type Knex } from "knex";
import BetterSqlite3Client from "knex/lib/dialects/better-sqlite3/index.js";
import { assert } from "../../domain/errors.ts";
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
type Connection = {
  readonly database: DatabaseSync;
  readonly readOnly: boolean;
  readonly prepared: Map<string, Prepared>;
  /** The knex for transactions on it, once there was one. */
  held?: Knex;
};
type Query = {
  readonly sql: string;
  readonly bindings?: readonly unknown[];
  response?: unknown;
  context?: { lastID: number; changes: number };
};

/** Cached prepared statements; more than a program has. */
const STATEMENTS_MAX = 400;

/**
 * knex over Node's bundled SQLite, with nothing to compile or install. One writing connection (a second one in the same
 * thread would wait for the first forever), or up to four reading ones.
 * BIGINT columns and computed integers come back as bigint, columns of smaller integer types as number, as from MySQL.
 */
export function connectSqlite(connection: SqliteConnection): Knex {
  return knex({
    ...common,
    client: NodeSqliteClient,
    connection: { filename: connection.file, ...connection },
    pool: connection.readOnly ? { min: 0, max: 4 } : { min: 1, max: 1 },
  });
}

const common = { useNullAsDefault: true, compileSqlOnError: false, log: silentLog };

class NodeSqliteClient extends BetterSqlite3Client {
  _driver(): typeof DatabaseSync {
    return DatabaseSync;
  }

  override async acquireRawConnection(): Promise<Connection> {
    const settings = settingsOf(this.connectionSettings);
    return { database: openSqlite(settings), readOnly: settings.readOnly === true, prepared: new Map() };
  }

  override async destroyRawConnection(connection: Connection): Promise<void> {
    connection.prepared.clear();
    connection.database.close();
  }

  async _query(connection: Connection, query: Query): Promise<Query> {
    const { statement, reads, numbers } = prepare(connection, query.sql);
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
  run(connection: Connection, sql: string, values: readonly SqlValue[]): void {
    prepare(connection, sql).statement.run(...values);
  }
}
Object.assign(NodeSqliteClient.prototype, { driverName: "node:sqlite", transaction });

/**
 * Takes the place of knex's transactions, which make a whole knex for each one, in more time than a small batch takes.
 */
async function transaction<Result>(this: NodeSqliteClient, work: (trx: Knex) => Promise<Result>): Promise<Result> {
  const connection: Connection = await this.acquireConnection();
  try {
    connection.held ??= holding(connection, this);
    const trx = connection.held;
    // A transaction that reads before it writes cannot wait for the write lock; one that begins as a writer can.
    const begin = connection.readOnly ? "BEGIN" : "BEGIN IMMEDIATE";
    return await within(connection, { begin, commit: "COMMIT", rollback: "ROLLBACK" }, () => work(trx));
  } finally {
    await this.releaseConnection(connection);
  }
}

/**
 * A knex whose statements all run on this connection, and whose transactions are parts of the one under way. Whoever
 * listens to the client hears of them.
 */
function holding(connection: Connection, client: NodeSqliteClient): Knex {
  class HoldingClient extends NodeSqliteClient {
    override async acquireConnection(): Promise<Connection> {
      assert(connection.database.isTransaction, "a transaction's statements run before its end");
      return connection;
    }
    override async releaseConnection(): Promise<void> {}
  }
  const trx: Knex = knex({ ...common, client: HoldingClient, connection: { filename: "" }, pool: { min: 0, max: 0 } });
  for (const name of ["query", "query-error", "query-response"])
    trx.on(name, (...about: unknown[]) => client.emit(name, ...about));
  const part = { begin: "SAVEPOINT part", commit: "RELEASE part", rollback: "ROLLBACK TO part; RELEASE part" };
  Object.assign(HoldingClient.prototype, {
    async transaction<Result>(this: HoldingClient, work: (trx: Knex) => Promise<Result>): Promise<Result> {
      return await within(await this.acquireConnection(), part, () => work(trx));
    },
  });
  return trx;
}

async function within<Result>(
  { database }: Connection,
  { begin, commit, rollback }: Readonly<Record<"begin" | "commit" | "rollback", string>>,
  work: () => Promise<Result>,
): Promise<Result> {
  database.exec(begin);
  try {
    const result = await work();
    database.exec(commit);
    return result;
  } catch (error) {
    // After some faults SQLite has rolled back by itself.
    if (database.isTransaction) database.exec(rollback);
    throw error;
  }
}

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
