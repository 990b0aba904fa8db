import type { Knex } from "knex";
import { LedgerError } from "../domain/errors.ts";
import { dialectOf } from "./dialect.ts";
import { selectRows } from "./rows.ts";
import { isMissingTable } from "./store-errors.ts";

/*
 * A server is shared by processes of two versions during an upgrade, so there each layout of the tables has tables and
 * rows of bookkeeping of its own, side by side. A file has one layout.
 */

/** The layout that this program writes and reads: the last of the models' versions. */
export const MODELS_LAYOUT = "0003_narrow";

/** The layouts of a database on a server. */
export type LayoutRow = {
  /** The name of a version of the models. Primary key. */
  name: string;
  /** 1 once it has reached the end that the log had: until then no query reads it. */
  complete: number;
};
export const LAYOUTS_TABLE = "model_layouts";

/** The end of the names of a layout's tables, and of its projection's name in `model_versions` and `checkpoints`. */
export function layoutSuffix(db: Knex, layout = MODELS_LAYOUT): string {
  return dialectOf(db) === "sqlite" ? "" : `_${layout.slice(0, layout.indexOf("_"))}`;
}

/** The layouts of a database, oldest first; none before the first migration. */
export async function readLayouts(db: Knex): Promise<readonly LayoutRow[]> {
  try {
    return await selectRows<LayoutRow>(db, `SELECT name, complete FROM \`${LAYOUTS_TABLE}\` ORDER BY name`);
  } catch (error) {
    if (isMissingTable(error)) return [];
    throw error;
  }
}

/**
 * A layout of a database on a server.
 * @throws LedgerError not_ready before the first migration; incompatible, which names the layouts that are there, if
 * it is not among them
 */
export async function requireLayout(db: Knex, layout = MODELS_LAYOUT): Promise<LayoutRow> {
  const found = await readLayouts(db);
  const own = found.find(({ name }) => name === layout);
  if (own) return own;
  if (found.length === 0)
    throw new LedgerError("not_ready", "the database has no tables of read models yet: run `ledger migrate`");
  refuseNewer(found, layout);
  const names = found.map(({ name }) => name).join(", ");
  const needed = `this version needs the layout ${layout}: run \`ledger migrate\``;
  throw new LedgerError("incompatible", `the database has read models of an earlier version, ${names}; ${needed}`);
}

/** @throws LedgerError incompatible if a newer version of the program made the database what it is */
export function refuseNewer(found: readonly LayoutRow[], layout: string): void {
  const newer = found.filter(({ name }) => name > layout).map(({ name }) => name);
  if (newer.length === 0 || found.some(({ name }) => name === layout)) return;
  const lacks = `and lacks ${layout}: run that version of the program, or restore a backup`;
  throw new LedgerError("incompatible", `a newer version changed the read models to ${newer.join(", ")}, ${lacks}`);
}
