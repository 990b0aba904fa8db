import type { Knex } from "knex";
import type { ProjectionStore, ProjectionTarget } from "ledger-core";
import { dialectOf, MODELS_LAYOUT, viewTexts } from "ledger-core/sql";
import type { SqlModel } from "../../adapters/sql/model.ts";
import { type SqlConnections, sqlStore, sqlTarget } from "../../adapters/sql/store.ts";
import { collapse } from "./collapse.ts";
import { type ModelChange, modelsProjection } from "./projection.ts";
import {
  accounts,
  authorizations,
  dailyTotals,
  entries,
  entryReferences,
  entryRuns,
  holdChanges,
  milestones,
  movements,
  paymentStates,
  payments,
} from "./tables.ts";
import { writeModels } from "./write.ts";

/**
 * How many revisions a run of entries has. SQLite writes whole pages twice, so a batch should touch few pages of a run;
 * MySQL merges changes of a page in its buffer pool, and pays for each further run that a query reads.
 */
export const RUN_REVISIONS = { sqlite: 2 ** 16, mysql: 2 ** 24 } as const;

/**
 * The read models behind every query but recommendations.
 * @param runRevisions how many revisions a run of entries has. 1 to 2^40; the same for all builds of a store
 */
export function makeReadModels(runRevisions?: number): SqlModel<ModelChange> {
  return {
    projection: modelsProjection,
    tables: [
      accounts,
      entryRuns,
      entries,
      entryReferences,
      dailyTotals,
      holdChanges,
      payments,
      paymentStates,
      authorizations,
      movements,
      milestones,
    ],
    versions: ["0001_read_models", "0002_exact_totals_and_owner_payments", MODELS_LAYOUT],
    formerTables: ["owner_payments"],
    views: viewTexts,
    prepare: (db, changes) => {
      const rows = collapse(changes, runRevisions ?? RUN_REVISIONS[dialectOf(db)]);
      return (trx, suffix, shard, seen) => writeModels(trx, suffix, shard, rows, seen);
    },
  };
}

export const readModels: SqlModel<ModelChange> = makeReadModels();

export function modelsStore(connections: SqlConnections, model = readModels): ProjectionStore<ModelChange> {
  return sqlStore(connections, model);
}

/** The served build of the read models, for callers that need no rebuild. */
export function modelsTarget(db: Knex, model = readModels): ProjectionTarget<ModelChange> {
  return sqlTarget(db, model);
}
