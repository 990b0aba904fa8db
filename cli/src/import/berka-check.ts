import type { Amount, Position } from "ledger-core";
import { eachOf } from "../parallel.ts";
import type { Progress } from "../progress.ts";
import type { BerkaAccounts } from "./berka-accounts.ts";
import type { RowFault } from "./berka-file.ts";
import { referenceOf } from "./berka-post.ts";
import type { BerkaRow } from "./berka-row.ts";
import type { LedgerClient } from "./client.ts";
import { type BookedEntry, readEntries } from "./entries.ts";

/** Compares a run's rows in the ledger with the bank's own records; amounts in hellers. */
export type BankComparison = {
  rows: number;
  customers: number;
  credits: Amount;
  debits: Amount;
  /** For every customer of the run, after its last row. */
  customersSum: Amount;
  exactRows: number;
  differenceMax: Amount;
  exactAtEnd: number;
  endDifferenceMax: Amount;
  belowZero: number;
  /**
   * Where the ledger differs from the rows: a missing or duplicate entry, another amount, day or order, or a broken
   * running balance.
   */
  faults: RowFault[];
};

const LANES = 8;

export function emptyComparison(): BankComparison {
  return {
    rows: 0,
    customers: 0,
    credits: 0n,
    debits: 0n,
    customersSum: 0n,
    exactRows: 0,
    differenceMax: 0n,
    exactAtEnd: 0,
    endDifferenceMax: 0n,
    belowZero: 0,
    faults: [],
  };
}

/**
 * Reads every customer's entries back through the query-service and compares them with the bank's rows.
 * @param parts subsets of the rows to compare separately too, from the same entries
 * @returns the comparison of all rows, then one per part
 */
export async function compareRows(
  client: LedgerClient,
  rows: readonly BerkaRow[],
  parts: readonly (readonly BerkaRow[])[],
  accounts: BerkaAccounts,
  atLeast: Position | undefined,
  progress: Progress,
): Promise<readonly [BankComparison, ...BankComparison[]]> {
  const whole = setOf(rows);
  const others = parts.map(setOf);
  progress.begin("reading back", rows.length);
  await eachOf([...whole.byAccount], LANES, async ([account, own]) => {
    const id = accounts.customers.get(account);
    if (id === undefined) throw new Error(`no account was opened for account_id ${account}`);
    const entries = await readEntries(client, id, atLeast);
    for (const set of [whole, ...others]) {
      const compared = set.byAccount.get(account);
      if (compared !== undefined) compareAccount(set.result, compared, entries);
    }
    progress.advance(own.length);
  });
  progress.end();
  whole.result.faults.sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
  return [whole.result, ...others.map(({ result }) => result)];
}

function setOf(rows: readonly BerkaRow[]) {
  return { byAccount: Map.groupBy(rows, (row) => row.account), result: emptyComparison() };
}

/** Adds one customer's rows and entries to the comparison. */
export function compareAccount(
  result: BankComparison,
  rows: readonly BerkaRow[],
  entries: readonly BookedEntry[],
): void {
  const byReference = new Map<string, { entry: BookedEntry; index: number; count: number }>();
  let balance = 0n;
  let broken = false;
  for (const [index, entry] of entries.entries()) {
    balance += entry.amount;
    broken ||= balance !== entry.balanceAfter;
    const before = entry.reference === null ? undefined : byReference.get(entry.reference);
    if (before) before.count++;
    else if (entry.reference !== null) byReference.set(entry.reference, { entry, index, count: 1 });
  }
  let last = -1;
  let lastBalance = 0n;
  let lastDifference = 0n;
  for (const row of rows) {
    const fault = (detail: string) => result.faults.push({ file: row.file, line: row.line, detail });
    const found = byReference.get(referenceOf(row));
    if (found === undefined) {
      fault(`trans_id ${row.id} is not in the ledger`);
      continue;
    }
    const { entry, index, count } = found;
    if (count > 1) fault(`trans_id ${row.id} is ${count} times in the ledger`);
    if (entry.amount !== row.amount) fault(`trans_id ${row.id} has amount ${entry.amount} in the ledger`);
    if (entry.effectiveDate !== row.date) fault(`trans_id ${row.id} has date ${entry.effectiveDate} in the ledger`);
    if (index < last) fault(`trans_id ${row.id} stands before an earlier row in the ledger`);
    const difference = absolute(entry.balanceAfter - row.balance);
    result.rows++;
    if (entry.amount > 0n) result.credits += entry.amount;
    else result.debits -= entry.amount;
    if (difference === 0n) result.exactRows++;
    if (difference > result.differenceMax) result.differenceMax = difference;
    if (entry.balanceAfter < 0n) result.belowZero++;
    [last, lastBalance, lastDifference] = [index, entry.balanceAfter, difference];
  }
  const [first] = rows;
  if (broken && first) {
    result.faults.push({
      file: first.file,
      line: first.line,
      detail: `account_id ${first.account}: running balance breaks`,
    });
  }
  result.customers++;
  result.customersSum += lastBalance;
  if (lastDifference === 0n) result.exactAtEnd++;
  if (lastDifference > result.endDifferenceMax) result.endDifferenceMax = lastDifference;
}

function absolute(amount: Amount): Amount {
  return amount < 0n ? -amount : amount;
}
