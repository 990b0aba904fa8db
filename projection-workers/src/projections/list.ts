import type { Knex } from "knex";
import { assert } from "ledger-core";
import { type SqlProjection, sqlFile, sqlProjection } from "../adapters/sql/file.ts";
import { migrate } from "../adapters/sql/migrations.ts";
import { viewFile, viewProjection } from "../adapters/sqlite/file.ts";
import { paymentGraph } from "../adapters/sqlite/payment-graph.ts";
import { makeReadModels } from "./models/model.ts";
import type { StoreFile } from "./store-file.ts";

/*
 * All projections. A new one needs its folder and a line here: rebuilds, verification, recovery, readiness, metrics and
 * the simulation use this list.
 */

/** Into SQL tables: one SQLite file when embedded, one database on MySQL. */
const sqlProjections = makeSqlProjections();

/** @param runRevisions how many revisions a run of entries has, if not as in production */
export function makeSqlProjections(runRevisions?: number): readonly SqlProjection[] {
  return [sqlProjection(makeReadModels(runRevisions))];
}

/** Into the embedded substitute for Gremlin. */
export const viewProjections = [viewProjection(paymentGraph)];

export const storeFiles: readonly StoreFile[] = [sqlFile("models", sqlProjections), viewFile("views", viewProjections)];

export const projectionNames: readonly string[] = storeFiles.flatMap(({ projections }) => projections);

/** The file that holds a projection. */
export function fileOf(projection: string): StoreFile {
  const file = storeFiles.find(({ projections }) => projections.includes(projection));
  assert(file, `${projection} is a projection`);
  return file;
}

/**
 * Migrates a SQL store to the tables of every SQL projection.
 * @throws incompatible when a newer program has changed it
 */
export function migrateModels(db: Knex): Promise<void> {
  return migrate(db, sqlProjections);
}
