import type { Knex } from "knex";
import { assert, buildOf, LedgerError } from "ledger-core";
import {
  createTable,
  dialectOf,
  insertRows,
  selectRows,
  translateStoreErrors,
  withMigrationLock,
} from "ledger-core/sql";
import { findServedBuild, serveBuild, servedBuild, storedVersions } from "./builds.ts";
import { migrateServer } from "./layouts.ts";
import { checkpoints, createBuild, dropBuild, layoutOf, modelVersions, type SqlTables, showBuild } from "./model.ts";

const applied = { name: "model_migrations", columns: { name: "id" }, key: ["name"], indexes: [] } as const;

/**
 * Migrates a store to this program's tables and serves them at once. A new projection, or one with a new version, gets
 * empty tables and starts at the log's first event. Each step may be repeated after a crash.
 * @throws incompatible when a newer program has changed the store
 */
export async function migrate(db: Knex, models: readonly SqlTables[]): Promise<void> {
  assertVersions(models);
  if (dialectOf(db) === "sqlite") await migrateFile(db, models);
  else for (const model of models) await migrateServer(db, model, true);
}

async function migrateFile(db: Knex, models: readonly SqlTables[]): Promise<void> {
  await translateStoreErrors("read models", () =>
    withMigrationLock(db, "payledger_migrations", async (trx) => {
      await createTable(trx, applied);
      const rows = await selectRows<{ name: string }>(trx, `SELECT name FROM \`${applied.name}\` ORDER BY name`);
      const done = new Set(rows.map(({ name }) => name));
      const unknown = [...done].filter((name) => !models.some(({ versions }) => versions.includes(name)));
      if (unknown.length > 0) {
        throw new LedgerError("incompatible", `the read models were changed by a newer version: ${unknown.join(", ")}`);
      }
      await createTable(trx, checkpoints);
      await createTable(trx, modelVersions);
      for (const model of models) {
        const missing = model.versions.filter((name) => !done.has(name));
        if (missing.length > 0) await buildAnew(trx, model);
        const noted = missing.map((name) => ({ name }));
        await insertRows(trx, applied, "", noted);
        await showBuild(trx, model, await servedBuild(trx, layoutOf(trx, model)));
      }
    }),
  );
}

/** Names of versions share one table; a second projection with the same name would count as migrated. */
function assertVersions(models: readonly SqlTables[]): void {
  const names = new Map<string, string>();
  for (const { name, versions } of models)
    for (const version of versions) {
      const other = names.get(version);
      assert(other === undefined, `${version} names a version of ${other} and of ${name}`);
      names.set(version, name);
    }
}

/**
 * Whether an earlier version of this program made the store, so that `migrate` would empty it. Only reads; false for a
 * file that is no store of read models.
 */
export async function isOlderLayout(db: Knex, models: readonly SqlTables[]): Promise<boolean> {
  const rows = await selectRows<{ name: string }>(db, `SELECT name FROM \`${applied.name}\``);
  const done = new Set(rows.map(({ name }) => name));
  const isKnown = (name: string) => models.some(({ versions }) => versions.includes(name));
  const lacks = ({ versions }: SqlTables) => versions.some((name) => !done.has(name));
  return done.size > 0 && [...done].every(isKnown) && models.some(lacks);
}

/** Drops every build and creates an empty served one. */
async function buildAnew(db: Knex, model: SqlTables): Promise<void> {
  const layout = layoutOf(db, model);
  for (const version of await storedVersions(db, layout)) await dropBuild(db, model, buildOf(version));
  const served = (await findServedBuild(db, layout)) ?? buildOf(1);
  await dropBuild(db, model, served);
  await createBuild(db, model, served);
  await serveBuild(db, layout, served);
}
