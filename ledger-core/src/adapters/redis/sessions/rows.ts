import type { Account, AccountStatus } from "../../../domain/account.ts";
import type { Entry } from "../../../domain/entries.ts";
import { LedgerError } from "../../../domain/errors.ts";
import { readId } from "../../../domain/ids.ts";

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

/** @param texts the account's text, status, posted and held */
export function readAccount(tenant: string, texts: readonly unknown[]): Account {
  return reading(() => {
    const [text, status, posted, held] = texts;
    const { limits, ...account }: StoredAccount = JSON.parse(String(text));
    const [floor = null, perTransaction = null, perDay = null] = limits.map((limit) =>
      limit === null ? null : BigInt(limit),
    );
    const balances = { posted: BigInt(String(posted)), held: BigInt(String(held)) };
    return { ...account, tenant, status: statusOf(status), limits: { floor, perTransaction, perDay }, balances };
  });
}

type StoredAccount = Omit<Account, "tenant" | "status" | "balances" | "limits"> & {
  readonly limits: readonly (string | null)[];
};

function statusOf(text: unknown): AccountStatus {
  if (text === "open" || text === "frozen" || text === "closed") return text;
  throw new RangeError(`${String(text)} is no status`);
}

/** A template: several times faster than `JSON.stringify` of the fields. */
export function entryText(entry: Entry): string {
  const { source, reference } = entry;
  return (
    `{"id":"${entry.id}","account":"${entry.account}","amount":"${entry.amount}",` +
    `"balanceAfter":"${entry.balanceAfter}","currency":"${entry.currency}","type":"${entry.type}",` +
    `"bookedAt":${entry.bookedAt},"effectiveDate":"${entry.effectiveDate}","counterparty":"${entry.counterparty}",` +
    `"reference":${reference === null ? "null" : JSON.stringify(reference)},` +
    `"source":{"kind":"${source.kind}","id":"${source.id}"}}`
  );
}

export function readEntry(tenant: string, text: unknown): Entry {
  return reading(() => {
    const { amount, balanceAfter, ...entry }: StoredEntry = JSON.parse(String(text));
    const { shard, revision } = readId(entry.id);
    const position = { shard, revision };
    return { ...entry, tenant, position, amount: BigInt(amount), balanceAfter: BigInt(balanceAfter) };
  });
}

type StoredEntry = Omit<Entry, "tenant" | "position" | "amount" | "balanceAfter"> & {
  readonly amount: string;
  readonly balanceAfter: string;
};

/** @throws store_damaged if a text is not one that we wrote */
function reading<Row>(read: () => Row): Row {
  try {
    return read();
  } catch (error) {
    throw new LedgerError("store_damaged", "session views hold a value that no projection writes", { cause: error });
  }
}
