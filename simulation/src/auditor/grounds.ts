import type { AccountId, Amount, Caller, FactType, Micros } from "ledger-core";
import { type AccountBook, type AuditBooks, spentOn } from "./books.ts";

export type Move = readonly [account: AccountId, amount: Amount];

/**
 * The outcome of a command by the API's documentation. A refusal lists every code that would be right; the writer may
 * pick any. `recorded`: whether it is kept under the key.
 */
export type ExpectedOutcome =
  | { readonly kind: "refused"; readonly codes: readonly string[]; readonly recorded: boolean }
  | {
      readonly kind: "accepted";
      readonly type: FactType;
      readonly moves: readonly Move[];
      readonly hold: Move | null;
      /** Counts against the daily ceilings. */
      readonly spends: readonly Move[];
    };

/** The largest amount and balance: 18 digits. */
export const LARGEST = 10n ** 18n - 1n;

export function absent(code: string): ExpectedOutcome {
  return { kind: "refused", codes: [code], recorded: false };
}

export function refusedOr(codes: readonly (string | false)[], accepted: ExpectedOutcome): ExpectedOutcome {
  const reasons = codes.filter((code) => code !== false);
  return reasons.length > 0 ? { kind: "refused", codes: reasons, recorded: true } : accepted;
}

/** Whether a caller may use an account: debit it, or act as the payee that holds it. */
export function usable(books: AuditBooks, caller: Caller, id: AccountId): AccountBook | undefined {
  const account = books.accounts.get(id);
  if (account?.tenant !== caller.tenant) return undefined;
  return caller.role === "operator" || caller.role === "service" || caller.sub === account.owner ? account : undefined;
}

export function inTenant(books: AuditBooks, caller: Caller, id: AccountId): AccountBook | undefined {
  const account = books.accounts.get(id);
  return account?.tenant === caller.tenant ? account : undefined;
}

export function tooLarge(account: AccountBook, posted: Amount, held = account.held): boolean {
  return posted > LARGEST || held > LARGEST || posted - held < -LARGEST;
}

/** The reasons, other than funds, why an amount may not leave an account now. */
export function ceilings({ limits, ...account }: AccountBook, amount: Amount, at: Micros): (string | false)[] {
  const { perTransaction, perDay } = limits;
  return [
    account.status === "closed" && "account_not_open",
    account.status === "frozen" && "account_frozen",
    perTransaction !== null && amount > perTransaction && "limit_per_transaction",
    perDay !== null && spentOn({ limits, ...account }, at) + amount > perDay && "limit_per_day",
  ];
}

export function short(account: AccountBook, amount: Amount, posted = account.posted): boolean {
  const { floor } = account.limits;
  return floor !== null && posted - account.held - amount < floor;
}
