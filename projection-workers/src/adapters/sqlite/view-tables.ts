import type { DatabaseSync } from "node:sqlite";
import { type Build, buildOf, type KeyedTable } from "ledger-core";
import { viewBookkeeping } from "ledger-core/sql";

/** `columns` in the syntax of CREATE TABLE, `indexes` in that of CREATE INDEX after the table's name. */
export type ViewTable = KeyedTable & { readonly columns: string; readonly indexes?: readonly string[] };

/** The tables of a view; several views may share a file, one writing process each. */
export type ViewTables = { readonly name: string; readonly tables: readonly ViewTable[] };

/** Creates missing tables. A view whose tables differ from this program's is emptied, to be rebuilt from the log. */
export function createView(database: DatabaseSync, view: ViewTables): void {
  database.exec(viewBookkeeping);
  const known = knownBuild(database, view);
  if (known) {
    if (hasTables(database, view, known)) return;
    dropTables(database, view, known);
  }
  const first = buildOf(1);
  // Left over from an interrupted rebuild, or from a damaged file that lost its bookkeeping.
  dropTables(database, view, first);
  createTables(database, view, first);
  database.prepare("INSERT OR REPLACE INTO view_builds VALUES (?, ?, ?)").run(view.name, first.version, first.suffix);
}

/** Whether `createView` would empty a view, since another version of this program made it. Only reads. */
export function isOtherLayout(database: DatabaseSync, view: ViewTables): boolean {
  const known = knownBuild(database, view);
  return known !== undefined && !hasTables(database, view, known);
}

function knownBuild(database: DatabaseSync, { name }: ViewTables): Build | undefined {
  const known = database.prepare("SELECT version FROM view_builds WHERE view = ?").get(name);
  return known && buildOf(Number(known.version));
}

function hasTables(database: DatabaseSync, view: ViewTables, build: Build): boolean {
  const texts = database.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").all();
  const there = new Set(texts.map(({ sql }) => sql));
  return createTexts(view, build).every((text) => there.has(text));
}

export function createTables(database: DatabaseSync, view: ViewTables, build: Build): void {
  for (const text of createTexts(view, build)) database.exec(text);
}

function createTexts({ tables }: ViewTables, { suffix }: Build): string[] {
  return tables.flatMap(({ name, columns, key, indexes = [] }) => [
    `CREATE TABLE ${name}${suffix} (${columns}, PRIMARY KEY (${key.join(", ")})) WITHOUT ROWID`,
    ...indexes.map((index, n) => `CREATE INDEX ${name}${suffix}_${n} ON ${name}${suffix} ${index}`),
  ]);
}

/** Drops the tables of a build and its checkpoints. */
export function dropTables(database: DatabaseSync, { name, tables }: ViewTables, { version, suffix }: Build): void {
  for (const table of tables) database.exec(`DROP TABLE IF EXISTS ${table.name}${suffix}`);
  database.prepare("DELETE FROM view_checkpoints WHERE view = ? AND version = ?").run(name, version);
}
