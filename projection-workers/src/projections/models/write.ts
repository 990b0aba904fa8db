import type { Knex } from "knex";
import { LedgerError, type PaymentRow, type Shard } from "ledger-core";
import {
  existingKeys,
  insertRows,
  insertValues,
  type SqlValue,
  updateColumn,
  valueRows,
  type Written,
} from "ledger-core/sql";
import type { SeenRows } from "../../adapters/sql/seen-rows.ts";
import { writeChargedPayments, writeChargeEntries } from "./charges.ts";
import type { CollapsedChanges, RunChanges } from "./collapse.ts";
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

/**
 * Writes the rows of a shard into the build of the read models with this suffix.
 * @param seen accounts that need no look-up
 */
export async function writeModels(
  trx: Knex,
  suffix: string,
  shard: Shard,
  rows: CollapsedChanges,
  seen: SeenRows,
): Promise<void> {
  await insertRows(trx, accounts, suffix, rows.opened);
  for (const { number } of rows.opened) seen.add(number);
  await updateStatus(trx, suffix, rows.status);
  await expectOpened(trx, suffix, rows, seen);
  for (const run of rows.runs) await writeRun(trx, suffix, shard, run);
  await insertRows(trx, holdChanges, suffix, rows.holds);
  await writeChargedPayments(trx, suffix, rows.charges);
  await insertValues(trx, payments, suffix, valueRows(rows.payments.flatMap(paymentValues), PAYMENT_WIDTH));
  await insertRows(trx, paymentStates, suffix, rows.states, {
    replace: ["status", "captured", "refunded", "fee"],
  });
  await insertRows(trx, authorizations, suffix, rows.authorizations);
  await insertRows(trx, movements, suffix, rows.movements);
  await insertRows(trx, milestones, suffix, rows.milestones);
}

const PAYMENT_WIDTH = 12;

function paymentValues(row: Written<PaymentRow>): SqlValue[] {
  const { tenant, number, payer, payee, amount, fee, salt, at, capture, expires_at, reference, metadata } = row;
  return [tenant, number, payer, payee, amount, fee, salt, at, capture, expires_at, reference, metadata];
}

async function updateStatus(trx: Knex, suffix: string, status: ReadonlyMap<number, number>): Promise<void> {
  const met = await updateColumn(trx, accounts, suffix, "status", status);
  if (met !== status.size) throw neverOpened(status.size - met);
}

/** Checks that every account of an entry or a hold exists; no row of its own would show it. */
async function expectOpened(
  trx: Knex,
  suffix: string,
  { runs, holds }: CollapsedChanges,
  seen: SeenRows,
): Promise<void> {
  const touched = new Set<number>();
  for (const rows of [...runs.map(({ totals }) => totals), holds])
    for (const { account } of rows) if (!seen.has(account)) touched.add(account);
  const met = await existingKeys(trx, accounts, suffix, [...touched]);
  if (met !== touched.size) throw neverOpened(touched.size - met);
  for (const account of touched) seen.add(account);
}

function neverOpened(count: number): LedgerError {
  return new LedgerError("poison_event", `${count} accounts to change were never opened`);
}

async function writeRun(trx: Knex, suffix: string, shard: Shard, changes: RunChanges): Promise<void> {
  const { run, entries: rows, totals } = changes;
  await insertRows(trx, entryRuns, suffix, [{ shard, run }], { replace: ["shard"] });
  await writeChargeEntries(trx, suffix, changes);
  const values: SqlValue[] = [];
  const references: SqlValue[] = [];
  for (const row of rows) {
    const { account, revision, idx, reference } = row;
    values.push(account, revision, idx, row.at, row.amount, row.balance, row.day, row.type);
    values.push(row.counterparty, row.salt, row.source, reference);
    if (reference !== null) references.push(account, reference, revision, idx);
  }
  const fixed = { run };
  await insertValues(trx, entries, suffix, valueRows(values, 12), { fixed });
  await insertValues(trx, entryReferences, suffix, valueRows(references, 4), { fixed });
  const sums = {
    count: totals.length,
    put(row: number, into: SqlValue[], at: number) {
      const total = totals[row];
      if (!total) return;
      into[at] = total.account;
      into[at + 1] = total.day;
      into[at + 2] = total.billions;
      into[at + 3] = total.units;
    },
  };
  await insertValues(trx, dailyTotals, suffix, sums, { fixed, conflict: { add: ["billions", "units"] } });
}
