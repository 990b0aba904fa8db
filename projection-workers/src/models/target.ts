import type { Knex } from "knex";
import { LedgerError, type ProjectionTarget } from "ledger-core";
import { insertRows, onStore, updateColumn } from "ledger-core/sql";
import type { Build } from "../build.ts";
import { collapse } from "./batch.ts";
import { moveCheckpoint, readCheckpoint, servedBuild } from "./builds.ts";
import { type ModelChange, modelsProjection } from "./projection.ts";
import { accounts, dailyTotals, entries, holdChanges, milestones, movements, payments } from "./schema.ts";

const store = "read models";

/**
 * The read models as a target. Without a build it follows the one that is served, also over a switch: each transaction looks
 * it up and keeps it from being switched until it has committed.
 */
export function modelsTarget(db: Knex, build?: Build): ProjectionTarget<ModelChange> {
  const { name } = modelsProjection;
  return {
    checkpoint: (shard) =>
      onStore(store, async () => readCheckpoint(db, name, build ?? (await servedBuild(db, name)), shard)),
    apply: (shard, after, upTo, changes) =>
      onStore(store, () =>
        db.transaction(async (trx) => {
          const into = build ?? (await servedBuild(trx, name, "share"));
          await moveCheckpoint(trx, name, into, shard, after, upTo);
          await write(trx, into.suffix, changes);
        }),
      ),
  };
}

async function write(trx: Knex, suffix: string, changes: readonly ModelChange[]): Promise<void> {
  const batch = collapse(changes);
  await insertRows(trx, accounts, suffix, batch.opened);
  await updateAccounts(trx, suffix, "status", batch.status);
  await updateAccounts(trx, suffix, "posted", batch.posted);
  await updateAccounts(trx, suffix, "held", batch.held);
  await insertRows(trx, entries, suffix, batch.entries);
  await insertRows(trx, holdChanges, suffix, batch.holds);
  await insertRows(trx, dailyTotals, suffix, [...batch.totals], { add: ["total"] });
  await insertRows(trx, payments, suffix, [...batch.payments], { replace: ["status", "captured", "refunded", "fee"] });
  await insertRows(trx, movements, suffix, batch.movements);
  // The first of a run stays.
  await insertRows(trx, milestones, suffix, [...batch.milestones], { replace: ["shard"] });
}

async function updateAccounts(
  trx: Knex,
  suffix: string,
  column: "status" | "posted" | "held",
  values: ReadonlyMap<string, string | bigint>,
): Promise<void> {
  const met = await updateColumn(trx, accounts, suffix, column, values);
  if (met === values.size) return;
  throw new LedgerError("poison_event", `${values.size - met} of ${values.size} accounts to change were never opened`);
}
