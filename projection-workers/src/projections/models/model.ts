import type { Knex } from "knex";
import type { ProjectionStore, ProjectionTarget } from "ledger-core";
import type { SqlModel } from "../../adapters/sql/model.ts";
import { type SqlConnections, sqlStore, sqlTarget } from "../../adapters/sql/store.ts";
import { type ModelChange, modelsProjection } from "./projection.ts";
import {
  accounts,
  dailyTotals,
  entries,
  holdChanges,
  milestones,
  movements,
  ownerPayments,
  payments,
} from "./tables.ts";
import { writeModels } from "./write.ts";

/** The read models behind every query but sessions and recommendations. */
export const readModels: SqlModel<ModelChange> = {
  projection: modelsProjection,
  tables: [accounts, entries, holdChanges, dailyTotals, payments, ownerPayments, movements, milestones],
  versions: ["0001_read_models", "0002_exact_totals_and_owner_payments"],
  write: writeModels,
};

export function modelsStore(connections: SqlConnections): ProjectionStore<ModelChange> {
  return sqlStore(connections, readModels);
}

/** The served build of the read models, where no rebuild is wanted. */
export function modelsTarget(db: Knex): ProjectionTarget<ModelChange> {
  return sqlTarget(db, readModels);
}
