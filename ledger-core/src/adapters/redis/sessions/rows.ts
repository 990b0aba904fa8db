import type { Account, AccountStatus } from "../../../domain/account.ts";
import type { Entry, EntryType } from "../../../domain/entries.ts";
import { LedgerError } from "../../../domain/errors.ts";
import { type AccountId, type EntryId, readId } from "../../../domain/ids.ts";
import type { Amount, Currency } from "../../../domain/money.ts";
import type { BusinessDate, Micros } from "../../../domain/time.ts";

/*
 * Accounts and entries as session views store them: JSON texts, amounts as digits. The tenant is part of the key, and
 * an entry's id has its position.
 */

/** The parts of an account that stay the same for good. */
export function accountText({ status, balances, limits, tenant, ...account }: Account): string {
  const { floor, perTransaction, perDay } = limits;
  return JSON.stringify({
    ...account,
    limits: [floor, perTransaction, perDay].map((limit) => limit?.toString() ?? null),
  });
}

/** Held and status are stored once they differ from these. */
export const NOTHING_HELD = "0";
export const OPEN: AccountStatus = "open";

/** A balance and the id of the newest entry behind it, empty without entries: a part of that entry's text, too. */
export function balanceText(posted: Amount, newest: string): string {
  return `"${posted}","${newest}"`;
}

export function readBalance(text: unknown): { readonly posted: string; readonly newest: string } {
  return reading(() => {
    const [posted, newest]: readonly [string, string] = JSON.parse(`[${String(text)}]`);
    return { posted, newest };
  });
}

/** @param texts the account's text, its balance, held and status; null if it has none */
export function readAccount(tenant: string, texts: readonly unknown[]): { account: Account; newest: string } {
  return reading(() => {
    const [text, balance, held, status] = texts;
    const { limits, ...account }: StoredAccount = JSON.parse(String(text));
    const [floor = null, perTransaction = null, perDay = null] = limits.map((limit) =>
      limit === null ? null : BigInt(limit),
    );
    const { posted, newest } = readBalance(balance);
    const balances = { posted: BigInt(posted), held: BigInt(String(held ?? NOTHING_HELD)) };
    const known = { tenant, status: statusOf(status ?? OPEN), limits: { floor, perTransaction, perDay }, balances };
    return { account: { ...account, ...known }, newest };
  });
}

type StoredAccount = Omit<Account, "tenant" | "status" | "balances" | "limits"> & {
  readonly limits: readonly (string | null)[];
};

function statusOf(text: unknown): AccountStatus {
  if (text === "open" || text === "frozen" || text === "closed") return text;
  throw new RangeError(`${String(text)} is no status`);
}

/**
 * A template: several times faster than `JSON.stringify`. The script that applies it finds the account and its balance
 * by their places. The kind of the source is the type.
 */
export function entryText(entry: Entry): string {
  const { id, reference } = entry;
  return (
    `["${entry.account}",${balanceText(entry.balanceAfter, id)},${entry.bookedAt},` +
    `"${entry.amount}","${entry.currency}","${entry.type}","${entry.effectiveDate}","${entry.counterparty}",` +
    `"${entry.source.id}",${reference === null ? "null" : JSON.stringify(reference)}]`
  );
}

type StoredEntry = readonly [
  account: AccountId,
  balanceAfter: string,
  id: EntryId,
  bookedAt: Micros,
  amount: string,
  currency: Currency,
  type: EntryType,
  effectiveDate: BusinessDate,
  counterparty: AccountId,
  source: string,
  reference: string | null,
];

/** The fields of an entry's text, as they are stored. */
export function entryFields(text: unknown) {
  return reading(() => {
    const stored: StoredEntry = JSON.parse(String(text));
    const [account, balanceAfter, id, bookedAt, amount, currency, type, effectiveDate, ...others] = stored;
    const [counterparty, source, reference] = others;
    const money = { amount, balanceAfter, currency, type, bookedAt, effectiveDate };
    return { id, account, ...money, counterparty, reference, source };
  });
}

export function readEntry(tenant: string, text: unknown): Entry {
  return reading(() => {
    const { amount, balanceAfter, source, ...entry } = entryFields(text);
    const { shard, revision } = readId(entry.id);
    const position = { shard, revision };
    const amounts = { amount: BigInt(amount), balanceAfter: BigInt(balanceAfter) };
    return { ...entry, ...amounts, source: { kind: entry.type, id: source }, tenant, position };
  });
}

/** @throws store_damaged if a text is not one that we wrote */
function reading<Row>(read: () => Row): Row {
  try {
    return read();
  } catch (error) {
    throw new LedgerError("store_damaged", "session views hold a value that no projection writes", { cause: error });
  }
}
