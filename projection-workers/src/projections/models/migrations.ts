import type { Knex } from "knex";
import { LedgerError, type ModelVersionRow, tables } from "ledger-core";
import { alone, bindings, createTable, insertRows, onStore, selectRows } from "ledger-core/sql";
import { buildOf } from "../../rebuild/build.ts";
import { servedBuild, storedVersions } from "./builds.ts";
import { modelsProjection } from "./projection.ts";
import {
  accounts,
  checkpoints,
  dailyTotals,
  entries,
  holdChanges,
  milestones,
  modelVersions,
  movements,
  ownerPayments,
  payments,
} from "./schema.ts";

/** The tables that a build of the models consists of; each build has its own, told apart by their suffix. */
export const buildTables = [
  accounts,
  entries,
  holdChanges,
  dailyTotals,
  payments,
  ownerPayments,
  movements,
  milestones,
] as const;

/** In order, each once; a step that was released is never edited. Each bears being run again after a crash in its middle. */
const migrations: readonly { readonly name: string; readonly up: (db: Knex) => Promise<void> }[] = [
  { name: "0001_read_models", up: createReadModels },
  { name: "0002_exact_totals_and_owner_payments", up: buildAnew },
];

async function createReadModels(db: Knex): Promise<void> {
  await createTable(db, checkpoints);
  await createTable(db, modelVersions);
  await createBuild(db, "");
  const first: ModelVersionRow = { projection: modelsProjection.name, version: 1, suffix: "" };
  await insertRows(db, modelVersions, "", [first], { replace: ["projection"] });
}

/**
 * Neither can be made from the rows that are there: what overflowed is lost, and a payment does not name its owners. Every build goes,
 * and the projection begins again at the log's first event.
 */
async function buildAnew(db: Knex): Promise<void> {
  const { name } = modelsProjection;
  for (const version of await storedVersions(db, name)) await dropBuild(db, buildOf(version));
  const served = await servedBuild(db, name);
  await dropBuild(db, served);
  await createBuild(db, served.suffix);
}

/** Creates the empty tables of a build. */
export async function createBuild(db: Knex, suffix: string): Promise<void> {
  await createTable(db, accounts, suffix);
  await createTable(db, entries, suffix);
  await createTable(db, holdChanges, suffix);
  await createTable(db, dailyTotals, suffix);
  await createTable(db, payments, suffix);
  await createTable(db, ownerPayments, suffix);
  await createTable(db, movements, suffix);
  await createTable(db, milestones, suffix);
}

/** Drops the tables of a build and its checkpoints. */
export async function dropBuild(db: Knex, build: { version: number; suffix: string }): Promise<void> {
  for (const { name } of buildTables) await db.raw(`DROP TABLE IF EXISTS \`${name}${build.suffix}\``);
  await db.raw(
    `DELETE FROM \`${tables.checkpoints}\` WHERE projection = ? AND version = ?`,
    bindings([modelsProjection.name, build.version]),
  );
}

/**
 * Brings the store of the read models to this program's tables.
 * @throws incompatible when a newer program has changed them
 */
export async function migrateModels(db: Knex): Promise<void> {
  await onStore("read models", () =>
    alone(db, "payledger_migrations", async (trx) => {
      await createTable(trx, applied);
      const rows = await selectRows<{ name: string }>(trx, `SELECT name FROM \`${applied.name}\` ORDER BY name`);
      const done = new Set(rows.map(({ name }) => name));
      const unknown = [...done].filter((name) => !migrations.some((migration) => migration.name === name));
      if (unknown.length > 0) {
        throw new LedgerError("incompatible", `the read models were changed by a newer version: ${unknown.join(", ")}`);
      }
      for (const { name, up } of migrations) {
        if (done.has(name)) continue;
        await up(trx);
        await insertRows(trx, applied, "", [{ name }]);
      }
    }),
  );
}

const applied = { name: "model_migrations", columns: { name: "id" }, key: ["name"], indexes: [] } as const;
