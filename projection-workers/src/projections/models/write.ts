import type { Knex } from "knex";
import { LedgerError, type PaymentRow } from "ledger-core";
import {
  affectedRows,
  chunks,
  derivedRows,
  insertRows,
  onConflict,
  rowsPerStatement,
  updateColumn,
} from "ledger-core/sql";
import { collapse } from "./collapse.ts";
import type { ModelChange } from "./projection.ts";
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

/** Writes changes into the build of the read models with this suffix. */
export async function writeModels(trx: Knex, suffix: string, changes: readonly ModelChange[]): Promise<void> {
  const rows = collapse(changes);
  await insertRows(trx, accounts, suffix, rows.opened);
  await updateAccounts(trx, suffix, "status", rows.status);
  await updateAccounts(trx, suffix, "posted", rows.posted);
  await updateAccounts(trx, suffix, "held", rows.held);
  await insertRows(trx, entries, suffix, rows.entries);
  await insertRows(trx, holdChanges, suffix, rows.holds);
  await insertRows(trx, dailyTotals, suffix, [...rows.totals], { add: ["billions", "units"] });
  await insertRows(trx, payments, suffix, [...rows.payments], { replace: ["status", "captured", "refunded", "fee"] });
  await writeOwners(trx, suffix, rows.made);
  await insertRows(trx, movements, suffix, rows.movements);
  // On a conflict the existing milestone wins.
  await insertRows(trx, milestones, suffix, [...rows.milestones], { replace: ["shard"] });
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

/** Lists new payments under the owners of both accounts; an owner of both gets one row. */
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
