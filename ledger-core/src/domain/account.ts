import type { AccountId } from "./ids.ts";
import type { Amount, Currency } from "./money.ts";
import type { BusinessDate, Micros } from "./time.ts";

/** Only the ledger itself opens `transit` and `clearing` accounts. */
export type AccountType = "wallet" | "merchant" | "bank" | "revenue" | "suspense" | "clearing" | "transit";
export const openableAccountTypes = ["wallet", "merchant", "bank", "revenue", "suspense"] as const;
export type OpenableAccountType = (typeof openableAccountTypes)[number];

export type AccountStatus = "open" | "frozen" | "closed";

/** Limits on debits. `floor` null: the posted balance has no lower bound. */
export type Limits = {
  readonly floor: Amount | null;
  readonly perTransaction: Amount | null;
  readonly perDay: Amount | null;
};

/**
 * `posted` is what was booked (credits positive), `held` what is authorized and not captured; available = posted −
 * held.
 */
export type Balances = { readonly posted: Amount; readonly held: Amount };

/** An account, for decisions and answers. */
export type Account = {
  readonly id: AccountId;
  readonly tenant: string;
  readonly type: AccountType;
  readonly currency: Currency;
  readonly owner: string;
  readonly displayName: string | null;
  readonly timeZone: string;
  readonly status: AccountStatus;
  readonly limits: Limits;
  readonly balances: Balances;
  readonly openedAt: Micros;
};

/** An account and its use of the daily limit: `spent` on `day`, a business date of its time zone. */
export type AccountState = Account & { readonly day: BusinessDate | null; readonly spent: Amount };

/** The part of an account that movements change. */
export type AccountTotals = Pick<AccountState, "balances" | "day" | "spent">;

/** The account as an event carries it, without the use of its daily limit, which only the decision state keeps. */
export function accountOf(state: AccountState): Account {
  const { id, tenant, type, currency, owner, displayName, timeZone, status, limits, balances, openedAt } = state;
  return { id, tenant, type, currency, owner, displayName, timeZone, status, limits, balances, openedAt };
}

/** The default limits: customers stay at or above zero, the ledger's counterparties may go below. */
export function defaultFloor(type: AccountType): Amount | null {
  return type === "wallet" || type === "merchant" ? 0n : null;
}

/** The owner of a rail's clearing account. */
export function clearingOwner(rail: string): string {
  return `rail:${rail}`;
}
