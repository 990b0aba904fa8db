import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import {
  assert,
  type Build,
  LedgerError,
  type Projection,
  type ProjectionStore,
  type ProjectionTarget,
  ROWS_AT_A_TIME,
  type RowReader,
  type StoreMoment,
  type StoreRow,
} from "ledger-core";
import {
  openSqlite,
  openViewBooks,
  preparedBySuffix,
  storeError,
  translateStoreErrors,
  type ViewBooks,
} from "ledger-core/sql";
import { aloneInProcess, buildsWithTables } from "../builds.ts";
import { Turns } from "../turns.ts";
import { createTables, createView, dropTables, type ViewTable, type ViewTables } from "./view-tables.ts";

/** A projection into a view's file, and how its changes are written into one build. */
export type ViewModel<Change, Statements> = Pick<ViewTables, "tables"> & {
  readonly projection: Projection<Change>;
  prepare(prepare: (sql: string) => StatementSync, suffix: string): Statements;
  write(statements: Statements, changes: readonly Change[]): void;
};

/** A file, which several views may share, or an open in-memory database. */
export type ViewFile = { readonly file: string; readonly readOnly?: boolean } | { readonly database: DatabaseSync };

/**
 * Opens a view's file and creates missing tables. Transactions are synchronous and never interleave; only work that
 * takes its turn waits. An in-memory database cannot be rebuilt, since it has no second connection to hold a moment.
 */
export function openViewStore<Change, Statements>(
  model: ViewModel<Change, Statements>,
  options: ViewFile,
): ProjectionStore<Change> {
  const { projection, tables } = model;
  const view: ViewTables = { name: projection.name, tables };
  const store = `${view.name} view`;
  const guarded = <Result>(work: () => Result): Result => {
    try {
      return work();
    } catch (error) {
      throw storeError(store, error);
    }
  };
  const file = "file" in options ? options.file : undefined;
  const { database, books } = guarded(() => openView(view, options));
  const statementsOf = preparedBySuffix((suffix) => model.prepare((sql) => database.prepare(sql), suffix));

  const turns = new Turns();

  const apply = (build: () => Build, ...change: Parameters<ProjectionTarget<Change>["apply"]>): void =>
    guarded(() =>
      transact(database, () => {
        const [shard, after, upTo, changes] = change;
        const into = build();
        books.moveCheckpoint(into, shard, after, upTo);
        model.write(statementsOf(into.suffix), changes);
      }),
    );
  const target = (build: Build): ProjectionTarget<Change> => ({
    checkpoint: async (shard) => guarded(() => books.checkpoint(build, shard)),
    apply: async (...change) => apply(() => build, ...change),
  });

  return {
    tables,
    target,
    checkpoint: async (shard) => guarded(() => books.checkpoint(books.served(), shard)),
    apply: (...change) => turns.take(async () => apply(books.served, ...change)),
    served: async () => guarded(books.served),
    create: async (build) => guarded(() => transact(database, () => createTables(database, view, build))),
    drop: async (build) => guarded(() => transact(database, () => dropTables(database, view, build))),
    rows: (build) => rowsOf(database, tables, build),
    atOneMoment: (work) =>
      translateStoreErrors(store, () => {
        assert(file !== undefined, "a view in memory has one connection");
        return atOneMoment(view, file, work);
      }),
    leftovers: async () =>
      guarded(() => buildsIn(database, tables).filter(({ version }) => version !== books.served().version)),
    alone: aloneInProcess(store),
    switchTo: (live, build, catchUp) =>
      turns.take(async () => {
        if (guarded(books.served).version !== live.version)
          throw new LedgerError("not_ready", `${store}: build ${live.version} is not served any more`);
        await catchUp(target(build), async (shard) => guarded(() => books.checkpoint(live, shard)));
        guarded(() => books.serve(build));
      }),
    async faults() {
      const rows = guarded(() => database.prepare("PRAGMA integrity_check(10)").all());
      return rows.map((row) => String(row.integrity_check)).filter((text) => text !== "ok");
    },
    async close() {
      await turns.idle();
      if (file !== undefined) database.close();
    },
  };
}

function buildsIn(database: DatabaseSync, tables: readonly ViewTable[]): readonly Build[] {
  const there = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  const names = there.map(({ name }) => String(name));
  return buildsWithTables(
    names,
    tables.map((table) => table.name),
  );
}

function openView(view: ViewTables, options: ViewFile): { database: DatabaseSync; books: ViewBooks } {
  const database = "database" in options ? options.database : openSqlite({ cacheMiB: 48, ...options });
  try {
    if (!("readOnly" in options && options.readOnly)) transact(database, () => createView(database, view));
    return { database, books: openViewBooks(database, view.name) };
  } catch (error) {
    if ("file" in options) database.close();
    throw error;
  }
}

/** Runs synchronous work in a transaction: all of it or nothing. */
function transact<Result>(database: DatabaseSync, work: () => Result): Result {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    // After some faults (a full disk) SQLite has rolled back by itself.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

/** Opens a second connection whose snapshot starts at the first read; the first connection keeps writing. */
async function atOneMoment<Result>(
  view: ViewTables,
  file: string,
  work: (moment: StoreMoment) => Promise<Result>,
): Promise<Result> {
  const database = openSqlite({ file, readOnly: true, cacheMiB: 48 });
  try {
    database.exec("BEGIN");
    const books = openViewBooks(database, view.name);
    const build = books.served();
    return await work({
      checkpoint: async (shard) => books.checkpoint(build, shard),
      rows: rowsOf(database, view.tables, build),
    });
  } finally {
    if (database.isTransaction) database.exec("ROLLBACK");
    database.close();
  }
}

function rowsOf(database: DatabaseSync, tables: readonly ViewTable[], { suffix }: Build): RowReader {
  return async (name, after) => {
    // Yield: the live projection runs on this thread too.
    await setImmediate();
    const table = tables.find((one) => one.name === name);
    assert(table, `${name} is a table of the view`);
    const key = table.key.join(", ");
    const places = table.key.map(() => "?").join(", ");
    const beyond = after ? `WHERE (${key}) > (${places})` : "";
    const select = database.prepare(`SELECT * FROM ${name}${suffix} ${beyond} ORDER BY ${key} LIMIT ${ROWS_AT_A_TIME}`);
    return select.all(...(after ? table.key.map((column) => keyValue(after, column)) : []));
  };
}

function keyValue(row: StoreRow, column: string): SQLInputValue {
  const value = row[column];
  if (typeof value === "string" || typeof value === "bigint") return value;
  throw new LedgerError("row_unreadable", `a row's ${column} holds a value that is no key`);
}
