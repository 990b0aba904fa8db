import type { DatabaseSync, StatementSync } from "node:sqlite";
import { isLedgerError, LedgerError, type Position } from "ledger-core";
import { openSqlite, openViewBooks, preparedBySuffix, storeError, type ViewBooks } from "ledger-core/sql";

/** The first of a store's view files, or an open in-memory database. */
export type ViewSource = { readonly file: string } | { readonly database: DatabaseSync };

export type ViewReader<Statements> = {
  /** Runs synchronous work on the served build at one moment, with the positions of that moment. */
  read<Result>(work: (statements: Statements, positions: readonly Position[]) => Result): Result;
  close(): void;
};

/**
 * Opens an existing view to read it; each read looks up the served build.
 * @throws LedgerError store_unavailable, store_damaged, row_unreadable, incompatible
 */
export function openViewReader<Statements>(
  view: string,
  prepare: (prepare: (sql: string) => StatementSync, suffix: string) => Statements,
  source: ViewSource,
): ViewReader<Statements> {
  const store = `${view} view`;
  const guarded = <Result>(work: () => Result): Result => {
    try {
      return work();
    } catch (error) {
      throw storeError(store, error);
    }
  };
  /** Treats any other error while a row is decoded as a damaged row, since nothing in a file is trusted. */
  const reading = <Result>(work: () => Result): Result => {
    try {
      return work();
    } catch (error) {
      if (isLedgerError(storeError(store, error))) throw error;
      throw new LedgerError("row_unreadable", `${store}: a row cannot be read`, { cause: error });
    }
  };
  const { database, books } = guarded(() => openView(view, source));
  const statementsOf = preparedBySuffix((suffix) => prepare((sql) => database.prepare(sql), suffix));
  return {
    read: (work) =>
      guarded(() =>
        snapshot(database, () => {
          const build = books.served();
          const positions = books.positions(build);
          return reading(() => work(statementsOf(build.suffix), positions));
        }),
      ),
    close: () => {
      if ("file" in source) database.close();
    },
  };
}

function openView(view: string, source: ViewSource): { database: DatabaseSync; books: ViewBooks } {
  if ("database" in source) return { database: source.database, books: openViewBooks(source.database, view) };
  const database = openSqlite({ file: source.file, newest: true, readOnly: true, cacheMiB: 48 });
  try {
    return { database, books: openViewBooks(database, view) };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Runs synchronous reads that all see one moment. */
function snapshot<Result>(database: DatabaseSync, work: () => Result): Result {
  database.exec("BEGIN");
  try {
    return work();
  } finally {
    // After a read of a damaged file SQLite may have rolled back by itself; keep the original error.
    if (database.isTransaction) database.exec("ROLLBACK");
  }
}
