import type { Knex } from "knex";
import { type Build, type CheckpointRow, type ModelVersionRow, type Projection, type Shard, tables } from "ledger-core";
import { bindings, createTable, layoutSuffix, type SqlValue, type Table } from "ledger-core/sql";
import type { SeenRows } from "./seen-rows.ts";

/** A table with rows of any type. */
export type AnyTable = Table<Record<string, SqlValue>>;

/** The SQL tables of a projection and their version history. */
export type SqlTables = {
  readonly name: string;
  readonly tables: readonly AnyTable[];
  /**
   * One name per version of the tables or the projection, oldest first; the last is the layout. A store without it is
   * built anew from the log: add a name whenever existing rows would be wrong.
   */
  readonly versions: readonly string[];
  /** Names of tables that exist only in older versions. */
  readonly formerTables: readonly string[];
  /** Statements that make the views for people show the build with this suffix. May be rerun. */
  views?(db: Knex, suffix: string): readonly string[];
};

/** A projection into SQL tables, and how its changes are written into one build. */
export type SqlModel<Change> = Omit<SqlTables, "name"> & {
  readonly projection: Projection<Change>;
  /** Computes everything that needs no database; the result writes. */
  prepare(db: Knex, changes: readonly Change[]): PreparedWrite;
};

/**
 * Writes changes into the build with this suffix.
 * @param seen rows of one table, named by number, that need no look-up; it adds those that it has inserted or found
 */
export type PreparedWrite = (trx: Knex, suffix: string, shard: Shard, seen: SeenRows) => Promise<void>;

export const checkpoints: Table<CheckpointRow> = {
  name: tables.checkpoints,
  columns: { projection: "id", version: "int", shard: "int", revision: "bigint" },
  key: ["projection", "version", "shard"],
  indexes: [],
};

export const modelVersions: Table<ModelVersionRow> = {
  name: tables.modelVersions,
  columns: { projection: "id", version: "int", suffix: "word" },
  key: ["projection"],
  indexes: [],
};

/** The names of a projection's layout in a store. */
export type Layout = {
  /** The projection's name in the tables of bookkeeping. */
  readonly projection: string;
  /** The end of the tables' names, before that of the build. */
  readonly suffix: string;
};

export function layoutOf(db: Knex, { name, versions }: Pick<SqlTables, "name" | "versions">): Layout {
  const suffix = layoutSuffix(db, versions.at(-1));
  return { projection: name + suffix, suffix };
}

/** The end of the names of a build's tables. */
export function tableSuffix(db: Knex, model: Pick<SqlTables, "name" | "versions">, { suffix }: Build): string {
  return layoutOf(db, model).suffix + suffix;
}

/** Creates the empty tables of a build. */
export async function createBuild(db: Knex, model: SqlTables, build: Build): Promise<void> {
  for (const table of model.tables) await createTable(db, table, tableSuffix(db, model, build));
}

/** Lets the views for people show a build. On MySQL this commits. */
export async function showBuild(db: Knex, model: SqlTables, build: Build): Promise<void> {
  for (const text of model.views?.(db, tableSuffix(db, model, build)) ?? []) await db.raw(text);
}

/** Drops the tables of a build and its checkpoints. */
export async function dropBuild(db: Knex, model: SqlTables, build: Build): Promise<void> {
  const { projection } = layoutOf(db, model);
  for (const table of [...model.tables.map((one) => one.name), ...model.formerTables])
    await db.raw(`DROP TABLE IF EXISTS \`${table}${tableSuffix(db, model, build)}\``);
  await db.raw(
    `DELETE FROM \`${checkpoints.name}\` WHERE projection = ? AND version = ?`,
    bindings([projection, build.version]),
  );
}
