import { type RowReader, type StoreRow, tables } from "ledger-core";
import type { RowObserver } from "../../rebuild/comparison.ts";
import type { FiguresTally } from "./figures.ts";

/** Adds up the figures of read models as their rows are compared. */
export function tallyRows(tally: FiguresTally): RowObserver {
  let currencyOf: ReturnType<typeof readCurrencies> | undefined;
  return async (table, rows, read) => {
    if (table === tables.accounts) for (const row of rows) tally.account(countedAccount(row));
    if (table !== tables.entries) return;
    currencyOf ??= readCurrencies(read);
    for (const row of rows) {
      const account = numberIn(row, "account");
      tally.entry({
        ...{ account, currency: await currencyOf(account) },
        ...{ revision: numberIn(row, "revision"), idx: numberIn(row, "idx"), at: numberIn(row, "at") },
        ...{ amount: bigintIn(row, "amount"), balance: bigintIn(row, "balance") },
        counterparty: numberIn(row, "counterparty"),
      });
    }
  };
}

const PAGES_MAX = 64;

type CurrencyPage = { readonly first: number; readonly last: number; readonly currencies: ReadonlyMap<number, string> };

/**
 * Looks up the currencies of accounts, which entries do not hold, a page of rows at a time. Entries are read in the
 * order of their accounts, so a bounded number of pages is kept. An unknown account has none, which makes a difference.
 */
function readCurrencies(read: RowReader): (account: number) => Promise<string> {
  let pages: CurrencyPage[] = [];
  return async (account) => {
    let page = pages.find(({ first, last }) => first <= account && account <= last);
    if (!page) {
      const rows = (await read(tables.accounts, { number: account - 1 })).map(countedAccount);
      const last = Math.max(account, rows.at(-1)?.number ?? 0);
      page = { first: account, last, currencies: new Map(rows.map(({ number, currency }) => [number, currency])) };
      pages = [page, ...pages.slice(0, PAGES_MAX - 1)];
    }
    return page.currencies.get(account) ?? "none";
  };
}

function countedAccount(row: StoreRow) {
  const [tenant, owner, currency] = [row.tenant, row.owner, row.currency].map(String);
  return { number: numberIn(row, "number"), tenant: `${tenant}`, owner: `${owner}`, currency: `${currency}` };
}

function numberIn(row: StoreRow, column: string): number {
  return Number(bigintIn(row, column));
}

/** 0 for a value that is no number: the comparison of rows reports it. */
function bigintIn(row: StoreRow, column: string): bigint {
  const value = row[column];
  if (typeof value === "bigint") return value;
  return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : 0n;
}
