import type { Knex } from "knex";
import { assert, buildOf, LedgerError } from "ledger-core";
import {
  bindings,
  createTable,
  insertRows,
  LAYOUTS_TABLE,
  type LayoutRow,
  layoutSuffix,
  readLayouts,
  refuseNewer,
  requireLayout,
  selectRows,
  type Table,
  translateStoreErrors,
  withMigrationLock,
} from "ledger-core/sql";
import { findServedBuild, serveBuild, servedBuild, storedVersions } from "./builds.ts";
import { checkpoints, createBuild, dropBuild, layoutOf, modelVersions, type SqlTables, showBuild } from "./model.ts";

const layouts: Table<LayoutRow> = {
  name: LAYOUTS_TABLE,
  columns: { name: "id", complete: "int" },
  key: ["name"],
  indexes: [],
};

const store = "read models";
const LOCK = "payledger_migrations";

/** The outcome of a migration: the program's layout, whether it is new, and the others in the database. */
export type Migrated = { readonly layout: string; readonly created: boolean; readonly others: readonly string[] };

export function layoutName({ versions }: Pick<SqlTables, "versions">): string {
  const name = versions.at(-1);
  assert(name !== undefined, "a projection has a version");
  return name;
}

/**
 * Creates the tables of this program's layout in a database on a server, beside those of other versions, which go on
 * using theirs. Each step may be repeated after a crash.
 * @param complete whether queries read the new tables at once, before they have reached the end that the log has
 * @throws incompatible when a newer program has made the database what it is; store_unavailable, also while another
 * migration is under way
 */
export function migrateServer(db: Knex, model: SqlTables, complete: boolean): Promise<Migrated> {
  return translateStoreErrors(store, () =>
    withMigrationLock(db, LOCK, async (trx) => {
      const name = layoutName(model);
      const found = await readLayouts(trx);
      refuseNewer(found, name);
      const others = found.map((row) => row.name).filter((other) => other !== name);
      if (others.length < found.length) return { layout: name, created: false, others };
      await createTable(trx, layouts);
      await createTable(trx, checkpoints);
      await createTable(trx, modelVersions);
      const layout = layoutOf(trx, model);
      const leftover = (await findServedBuild(trx, layout)) ?? buildOf(1);
      for (const version of new Set([...(await storedVersions(trx, layout)), leftover.version, 1]))
        await dropBuild(trx, model, buildOf(version));
      await createBuild(trx, model, buildOf(1));
      await serveBuild(trx, layout, buildOf(1));
      if (complete) await showBuild(trx, model, buildOf(1));
      await insertRows(trx, layouts, "", [{ name, complete: complete ? 1 : 0 }]);
      return { layout: name, created: true, others };
    }),
  );
}

/** Lets queries and the views for people read this program's layout. */
export async function completeLayout(db: Knex, model: SqlTables): Promise<void> {
  await translateStoreErrors(store, async () => {
    await db.raw(`UPDATE \`${layouts.name}\` SET complete = 1 WHERE name = ?`, bindings([layoutName(model)]));
    await showBuild(db, model, await servedBuild(db, layoutOf(db, model)));
  });
}

/**
 * Drops the tables of every other layout; processes of other versions cannot go on then.
 * @returns their names
 * @throws incompatible while this program's layout is not there, not_ready while it is not complete
 */
export function dropOtherLayouts(db: Knex, model: SqlTables): Promise<readonly string[]> {
  return translateStoreErrors(store, () =>
    withMigrationLock(db, LOCK, async (trx) => {
      const { name, complete } = await requireLayout(trx, layoutName(model));
      if (complete !== 1)
        throw new LedgerError("not_ready", `${name} is still being built from the log: the other layouts are in use`);
      const others = (await readLayouts(trx)).filter((row) => row.name !== name).map((row) => row.name);
      for (const other of others) await dropLayout(trx, model.name, other);
      return others;
    }),
  );
}

async function dropLayout(db: Knex, projection: string, name: string): Promise<void> {
  const suffix = layoutSuffix(db, name);
  const tables = await selectRows<{ name: string }>(
    db,
    `SELECT table_name AS name FROM information_schema.tables
      WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND table_name REGEXP ?`,
    [`${suffix}(_v[0-9]+)?$`],
  );
  for (const table of tables) await db.raw(`DROP TABLE IF EXISTS \`${table.name}\``);
  for (const table of [modelVersions, checkpoints])
    await db.raw(`DELETE FROM \`${table.name}\` WHERE projection = ?`, bindings([projection + suffix]));
  await db.raw(`DELETE FROM \`${layouts.name}\` WHERE name = ?`, bindings([name]));
}
