import type { Knex } from "knex";
import { type Build, type CheckpointRow, type ModelVersionRow, type Projection, type Shard, tables } from "ledger-core";
import { bindings, createTable, type SqlValue, type Table } from "ledger-core/sql";

/** A table with rows of any type. */
export type AnyTable = Table<Record<string, SqlValue>>;

/** The SQL tables of a projection and their version history. */
export type SqlTables = {
  readonly name: string;
  readonly tables: readonly AnyTable[];
  /**
   * One name per version of the tables or the projection, oldest first; the store records them. A store without the
   * last one is emptied and rebuilt from the log: add a name whenever existing rows would be wrong.
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
  write(trx: Knex, suffix: string, shard: Shard, changes: readonly Change[]): Promise<void>;
};

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

/** Creates the empty tables of a build. */
export async function createBuild(db: Knex, { tables }: Pick<SqlTables, "tables">, { suffix }: Build): Promise<void> {
  for (const table of tables) await createTable(db, table, suffix);
}

/** Lets the views for people show a build. On MySQL this commits. */
export async function showBuild(db: Knex, { views }: Pick<SqlTables, "views">, { suffix }: Build): Promise<void> {
  for (const text of views?.(db, suffix) ?? []) await db.raw(text);
}

/** Drops the tables of a build and its checkpoints. */
export async function dropBuild(
  db: Knex,
  { name, tables, formerTables }: Omit<SqlTables, "versions">,
  build: Build,
): Promise<void> {
  for (const table of [...tables.map((one) => one.name), ...formerTables])
    await db.raw(`DROP TABLE IF EXISTS \`${table}${build.suffix}\``);
  await db.raw(
    `DELETE FROM \`${checkpoints.name}\` WHERE projection = ? AND version = ?`,
    bindings([name, build.version]),
  );
}
