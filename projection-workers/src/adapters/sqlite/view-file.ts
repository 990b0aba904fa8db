import type { DatabaseSync, StatementSync } from "node:sqlite";
import {
  isLedgerError,
  LedgerError,
  NO_REVISION,
  type Position,
  type ProjectionTarget,
  type Revision,
  type Shard,
} from "ledger-core";
import { openSqlite, storeError } from "ledger-core/sql";
import type { Build } from "../../rebuild/build.ts";

/** A view as a file keeps it: its tables, and how changes are written into one build of them. */
export type View<Change, Statements> = {
  readonly name: string;
  readonly tables: readonly ViewTable[];
  prepare(prepare: (sql: string) => StatementSync, suffix: string): Statements;
  write(statements: Statements, changes: readonly Change[]): void;
};

/** `columns` and `key` as CREATE TABLE has them, `indexes` as CREATE INDEX has them after ON and the table. Rows lie in the order of the key. */
export type ViewTable = {
  readonly name: string;
  readonly columns: string;
  readonly key: readonly string[];
  readonly indexes?: readonly string[];
};

/** An opened view. All its work is synchronous but for waiting in `exclusively`, so a transaction is never interleaved. */
export type ViewFile<Change, Statements> = {
  readonly database: DatabaseSync;
  /** The build that is served; looked up in each transaction, so that a switch is seen by every connection. */
  served(): Build;
  checkpoint(build: Build, shard: Shard): Revision;
  /** Applies to one build, in its own transaction. */
  apply(build: Build, shard: Shard, after: Revision, upTo: Revision, changes: readonly Change[]): void;
  /** The live build as a target. */
  readonly target: ProjectionTarget<Change>;
  /** One moment of the live build, and the positions of that moment. */
  read<Result>(work: (statements: Statements, positions: readonly Position[]) => Result): Promise<Result>;
  create(build: Build): void;
  drop(build: Build): void;
  serve(build: Build): void;
  /** Keeps the live build from moving while work is under way. */
  exclusively<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Another connection to the same file, which only reads. */
  openReader(): ViewFile<Change, Statements>;
  close(): Promise<void>;
};

const bookkeeping = `
  CREATE TABLE IF NOT EXISTS view_builds (view TEXT PRIMARY KEY, version INTEGER NOT NULL, suffix TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS view_checkpoints (
    view TEXT NOT NULL, version INTEGER NOT NULL, shard INTEGER NOT NULL, revision INTEGER NOT NULL,
    PRIMARY KEY (view, version, shard)
  ) WITHOUT ROWID;`;

/** Opens a view's file and creates what is missing. Several views may share a file, one writing process each. */
export function openViewFile<Change, Statements>(
  view: View<Change, Statements>,
  options: { readonly file: string; readonly readOnly?: boolean },
): ViewFile<Change, Statements> {
  const store = `${view.name} view`;
  const guarded = <Result>(work: () => Result): Result => {
    try {
      return work();
    } catch (error) {
      throw storeError(store, error);
    }
  };
  const database = guarded(() => openSqlite({ cacheMiB: 48, ...options }));
  if (!options.readOnly) guarded(() => transact(database, () => createView(database, view)));
  const statements = guarded(() => bookkeepingStatements(database));
  const prepared = new Map<string, Statements>();

  /** The statements of a build; those of one that is gone are let go. */
  function statementsOf({ suffix }: Build): Statements {
    const known = prepared.get(suffix);
    if (known) return known;
    if (prepared.size > 1) prepared.clear();
    const fresh = view.prepare((sql) => database.prepare(sql), suffix);
    prepared.set(suffix, fresh);
    return fresh;
  }
  function served(): Build {
    const row = statements.served.get(view.name);
    const version = Number(row?.version);
    if (typeof row?.suffix !== "string" || !Number.isSafeInteger(version)) throw damaged();
    return { version, suffix: row.suffix };
  }
  function checkpoint(build: Build, shard: Shard): Revision {
    const row = statements.checkpoint.get(view.name, build.version, shard);
    if (!row) return NO_REVISION;
    const revision = Number(row.revision);
    if (!Number.isSafeInteger(revision) || revision < NO_REVISION) throw damaged();
    return revision;
  }
  function damaged(): LedgerError {
    return new LedgerError("store_damaged", `${store}: its bookkeeping holds what nothing wrote`);
  }
  function write(build: Build, shard: Shard, after: Revision, upTo: Revision, changes: readonly Change[]): void {
    if (checkpoint(build, shard) !== after) {
      throw new LedgerError("revision_gap", `${store}: the checkpoint of shard ${shard} is not at ${after}`, {
        position: { shard, revision: after },
      });
    }
    statements.moveCheckpoint.run(view.name, build.version, shard, upTo);
    view.write(statementsOf(build), changes);
  }

  /** What a row makes of the code that reads it, other than an error of SQLite, is the row's fault: nothing in a file is trusted. */
  function reading<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      if (isLedgerError(storeError(store, error))) throw error;
      throw new LedgerError("row_unreadable", `${store}: a row cannot be read`, { cause: error });
    }
  }

  let turn: Promise<unknown> = Promise.resolve();
  function exclusively<Result>(work: () => Promise<Result>): Promise<Result> {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  }

  return {
    database,
    served: () => guarded(served),
    checkpoint: (build, shard) => guarded(() => checkpoint(build, shard)),
    apply: (build, ...change) => guarded(() => transact(database, () => write(build, ...change))),
    target: {
      checkpoint: async (shard) => guarded(() => checkpoint(served(), shard)),
      apply: (...change) =>
        exclusively(async () => guarded(() => transact(database, () => write(served(), ...change)))),
    },
    read: async (work) =>
      guarded(() =>
        snapshot(database, () => {
          const build = served();
          const positions = statements.positions
            .all(view.name, build.version)
            .map((row) => ({ shard: Number(row.shard), revision: Number(row.revision) }));
          return reading(() => work(statementsOf(build), positions));
        }),
      ),
    create: (build) => guarded(() => transact(database, () => createTables(database, view, build.suffix))),
    drop: (build) => guarded(() => transact(database, () => dropTables(database, view, build))),
    serve: (build) => guarded(() => statements.serve.run(view.name, build.version, build.suffix)),
    exclusively,
    openReader: () => openViewFile(view, { file: options.file, readOnly: true }),
    async close() {
      await turn;
      database.close();
    },
  };
}

function bookkeepingStatements(database: DatabaseSync) {
  return {
    served: database.prepare("SELECT version, suffix FROM view_builds WHERE view = ?"),
    checkpoint: database.prepare("SELECT revision FROM view_checkpoints WHERE view = ? AND version = ? AND shard = ?"),
    positions: database.prepare(
      "SELECT shard, revision FROM view_checkpoints WHERE view = ? AND version = ? ORDER BY shard",
    ),
    moveCheckpoint: database.prepare("INSERT OR REPLACE INTO view_checkpoints VALUES (?, ?, ?, ?)"),
    serve: database.prepare("INSERT OR REPLACE INTO view_builds VALUES (?, ?, ?)"),
  };
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

/** Runs synchronous reads that all see one moment. */
function snapshot<Result>(database: DatabaseSync, work: () => Result): Result {
  database.exec("BEGIN");
  try {
    return work();
  } finally {
    // After a read of a damaged file SQLite may have rolled back by itself; the fault of that read is what must be told.
    if (database.isTransaction) database.exec("ROLLBACK");
  }
}

/** Creates what is missing. A view whose tables another program made differently is emptied, to be built anew from the log. */
function createView<Change, Statements>(database: DatabaseSync, view: View<Change, Statements>): void {
  database.exec(bookkeeping);
  const known = database.prepare("SELECT version, suffix FROM view_builds WHERE view = ?").get(view.name);
  if (known) {
    const build = { version: Number(known.version), suffix: String(known.suffix) };
    const texts = database.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").all();
    const there = new Set(texts.map(({ sql }) => sql));
    if (createTexts(view, build.suffix).every((text) => there.has(text))) return;
    dropTables(database, view, build);
  }
  createTables(database, view, "");
  database.prepare("INSERT OR REPLACE INTO view_builds VALUES (?, 1, '')").run(view.name);
}

type Tables = Pick<View<never, never>, "tables">;

function createTables(database: DatabaseSync, view: Tables, suffix: string): void {
  for (const text of createTexts(view, suffix)) database.exec(text);
}

function createTexts({ tables }: Tables, suffix: string): string[] {
  return tables.flatMap(({ name, columns, key, indexes = [] }) => [
    `CREATE TABLE ${name}${suffix} (${columns}, PRIMARY KEY (${key.join(", ")})) WITHOUT ROWID`,
    ...indexes.map((index, n) => `CREATE INDEX ${name}${suffix}_${n} ON ${name}${suffix} ${index}`),
  ]);
}

function dropTables(
  database: DatabaseSync,
  { name, tables }: Pick<View<never, never>, "name" | "tables">,
  { version, suffix }: Build,
): void {
  for (const table of tables) database.exec(`DROP TABLE IF EXISTS ${table.name}${suffix}`);
  database.prepare("DELETE FROM view_checkpoints WHERE view = ? AND version = ?").run(name, version);
}
