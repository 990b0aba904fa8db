import type { Account, AccountId, Amount, Micros, PaymentId, Posting } from "ledger-core";
import { mustHold, Violation } from "./violation.ts";

/*
 * The auditor's own books: plain maps, built only from the events and the API's documentation. Shares no code with the
 * deciders, the decision state or the projections.
 */

export type AccountBook = {
  readonly id: AccountId;
  readonly tenant: string;
  readonly type: string;
  readonly currency: string;
  readonly owner: string;
  readonly zone: string;
  readonly limits: Account["limits"];
  status: "open" | "frozen" | "closed";
  posted: Amount;
  held: Amount;
  /** Its spending against the daily ceiling, and the day in its own zone. */
  day: string;
  spent: Amount;
};

export type PaymentBook = {
  readonly id: PaymentId;
  readonly tenant: string;
  readonly payer: AccountId;
  readonly payee: AccountId;
  readonly amount: Amount;
  readonly expiresAt: Micros | null;
  captured: Amount;
  refunded: Amount;
  held: Amount;
  ended: "voided" | "expired" | null;
  /** The business day, in the payer's zone, on which it was made. */
  readonly day: string;
};

export type AuditBooks = {
  readonly accounts: Map<AccountId, AccountBook>;
  readonly payments: Map<PaymentId, PaymentBook>;
  /** The ledger's own account of `tenant/rail/currency`. */
  readonly clearing: Map<string, AccountId>;
  /** Ids that declined payments would have had; no command may use them. */
  readonly declined: PaymentId[];
};

export function emptyBooks(): AuditBooks {
  return { accounts: new Map(), payments: new Map(), clearing: new Map(), declined: [] };
}

/** Zones without daylight saving time, so that days are plain arithmetic. */
export const zoneOffsetsMinutes: Readonly<Record<string, number>> = {
  UTC: 0,
  "Asia/Hong_Kong": 480,
  "Asia/Kolkata": 330,
  "America/Caracas": -240,
  "Asia/Tokyo": 540,
  "Asia/Kathmandu": 345,
  "Asia/Dubai": 240,
  "Africa/Nairobi": 180,
  "America/Phoenix": -420,
  "Pacific/Honolulu": -600,
};

export function dayOf(at: Micros, zone: string): string {
  const offset = zoneOffsetsMinutes[zone];
  if (offset === undefined) throw new RangeError(`the simulated world has no accounts in ${zone}`);
  return new Date(Math.floor(at / 1000) + offset * 60_000).toISOString().slice(0, 10);
}

/** How much of its daily ceiling an account has used at a time. */
export function spentOn(account: AccountBook, at: Micros): Amount {
  return account.day === dayOf(at, account.zone) ? account.spent : 0n;
}

export function spend(account: AccountBook, amount: Amount, at: Micros): void {
  const spent = spentOn(account, at) + amount;
  account.day = dayOf(at, account.zone);
  account.spent = spent;
}

/** Credits a release to the daily ceiling of the day of its authorization; returns whether it did. */
export function giveBack(books: AuditBooks, { payer, day }: PaymentBook, amount: Amount, at: Micros): boolean {
  const account = books.accounts.get(payer);
  if (!account || account.limits.perDay === null || amount === 0n || dayOf(at, account.zone) !== day) return false;
  account.spent -= amount;
  mustHold(
    account.spent >= 0n && account.day === day,
    "4 limits",
    () => `${payer} is given back what it did not spend`,
  );
  return true;
}

/** Books postings: pairs of opposite amounts in one currency, each with the balance after it and its business date. */
export function book(books: AuditBooks, postings: readonly Posting[], at: Micros, effective: string | null): void {
  for (const [index, posting] of postings.entries()) {
    const account = books.accounts.get(posting.account);
    const other = postings[index ^ 1];
    const counterparty = other && books.accounts.get(other.account);
    if (!account || !counterparty) throw new Violation("4 balance", `posting ${index} has no account`);
    mustHold(other.amount === -posting.amount, "4 balance", () => `${posting.amount} against ${other.amount}`);
    mustHold(account.currency === counterparty.currency, "4 balance", () => `${account.currency} to another currency`);
    account.posted += posting.amount;
    mustHold(
      posting.balance === account.posted,
      "4 balance",
      () => `${account.id} is at ${account.posted}, its posting says ${posting.balance}`,
    );
    const date = effective ?? dayOf(at, account.zone);
    mustHold(posting.date === date, "4 effective date", () => `a posting on ${posting.date} is dated ${date}`);
  }
}

/** A payment's state, derived from its amounts. */
export function statusOf({ captured, refunded, held, ended }: PaymentBook): string {
  if (refunded > 0n) return refunded === captured && held === 0n ? "refunded" : "partially_refunded";
  if (held > 0n) return captured > 0n ? "partially_captured" : "authorized";
  return captured > 0n ? "captured" : (ended ?? "authorized");
}
