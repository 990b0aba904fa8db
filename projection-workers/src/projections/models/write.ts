import type { Knex } from "knex";
import { LedgerError, type PaymentRow, type Shard } from "ledger-core";
import { existingKeys, insertRows, insertValues, type SqlValue, updateColumn, type Written } from "ledger-core/sql";
import { type CollapsedChanges, collapse, type RunChanges } from "./collapse.ts";
import type { ModelChange } from "./projection.ts";
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

/** Writes changes of a shard into the build of the read models with this suffix. */
export async function writeModels(
  trx: Knex,
  suffix: string,
  shard: Shard,
  changes: readonly ModelChange[],
  runRevisions: number,
): Promise<void> {
  const rows = collapse(changes, runRevisions);
  await insertRows(trx, accounts, suffix, rows.opened);
  await updateStatus(trx, suffix, rows.status);
  await expectOpened(trx, suffix, rows);
  for (const run of rows.runs) await writeRun(trx, suffix, shard, run);
  await insertRows(trx, holdChanges, suffix, rows.holds);
  await insertValues(trx, payments, suffix, rows.payments.flatMap(paymentValues));
  await insertRows(trx, paymentStates, suffix, rows.states, {
    replace: ["status", "captured", "refunded", "fee"],
  });
  await insertRows(trx, authorizations, suffix, rows.authorizations);
  await insertRows(trx, movements, suffix, rows.movements);
  await insertRows(trx, milestones, suffix, rows.milestones);
}

function paymentValues(row: Written<PaymentRow>): SqlValue[] {
  const { tenant, number, payer, payee, amount, fee, salt, at, capture, expires_at, reference, metadata } = row;
  return [tenant, number, payer, payee, amount, fee, salt, at, capture, expires_at, reference, metadata];
}

async function updateStatus(trx: Knex, suffix: string, status: ReadonlyMap<number, number>): Promise<void> {
  const met = await updateColumn(trx, accounts, suffix, "status", status);
  if (met !== status.size) throw neverOpened(status.size - met);
}

/** Checks that every account of an entry or a hold is there: no row of its own would tell. */
async function expectOpened(trx: Knex, suffix: string, { runs, holds }: CollapsedChanges): Promise<void> {
  const touched = new Set<number>();
  for (const { totals } of runs) for (const { account } of totals) touched.add(account);
  for (const { account } of holds) touched.add(account);
  const met = await existingKeys(trx, accounts, suffix, [...touched]);
  if (met !== touched.size) throw neverOpened(touched.size - met);
}

function neverOpened(count: number): LedgerError {
  return new LedgerError("poison_event", `${count} accounts to change were never opened`);
}

async function writeRun(trx: Knex, suffix: string, shard: Shard, { run, entries: rows, totals }: RunChanges) {
  await insertRows(trx, entryRuns, suffix, [{ shard, run }], { replace: ["shard"] });
  const values: SqlValue[] = [];
  const references: SqlValue[] = [];
  for (const row of rows) {
    const { account, revision, idx, reference } = row;
    values.push(run, account, revision, idx, row.at, row.amount, row.balance);
    values.push(row.day, row.type, row.counterparty, row.salt, row.source, reference);
    if (reference !== null) references.push(run, account, reference, revision, idx);
  }
  await insertValues(trx, entries, suffix, values);
  await insertValues(trx, entryReferences, suffix, references);
  const sums: SqlValue[] = [];
  for (const { account, day, billions, units } of totals) sums.push(run, account, day, billions, units);
  await insertValues(trx, dailyTotals, suffix, sums, { add: ["billions", "units"] });
}
