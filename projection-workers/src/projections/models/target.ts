import type { Knex } from "knex";
import { LedgerError, type PaymentRow, type ProjectionTarget } from "ledger-core";
import {
  affectedRows,
  chunks,
  derivedRows,
  insertRows,
  onConflict,
  onStore,
  rowsPerStatement,
  updateColumn,
} from "ledger-core/sql";
import type { Build } from "../../rebuild/build.ts";
import { collapse } from "./batch.ts";
import { moveCheckpoint, readCheckpoint, servedBuild } from "./builds.ts";
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
} from "./schema.ts";

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
  await insertRows(trx, dailyTotals, suffix, [...batch.totals], { add: ["billions", "units"] });
  await insertRows(trx, payments, suffix, [...batch.payments], { replace: ["status", "captured", "refunded", "fee"] });
  await writeOwners(trx, suffix, batch.made);
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

/** Lists new payments for the owners of both their accounts; one who owns both has one row. */
async function writeOwners(trx: Knex, suffix: string, made: readonly PaymentRow[]): Promise<void> {
  const sides = made.flatMap(({ id, payer, payee }) => [
    [payer, id],
    [payee, id],
  ]);
  const into = ownerPayments;
  for (const chunk of chunks(sides, rowsPerStatement(trx, 2))) {
    const rows = derivedRows(trx, ["account", "id"], chunk.length);
    const text = `INSERT INTO \`${into.name}${suffix}\` (\`tenant\`, \`owner\`, \`id\`)
      SELECT a.\`tenant\`, a.\`owner\`, v.\`id\` FROM ${rows} v CROSS JOIN \`${accounts.name}${suffix}\` a
      WHERE a.\`id\` = v.\`account\`${onConflict(trx, into.key, { replace: ["id"] })}`;
    await affectedRows(trx, text, chunk.flat());
  }
}
