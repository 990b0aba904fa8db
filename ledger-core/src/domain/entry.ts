import type { AccountId, EntryId } from "./ids.ts";
import type { Amount, Currency } from "./money.ts";
import type { Position } from "./position.ts";
import type { BusinessDate, Micros } from "./time.ts";

export const entryTypes = ["payment", "refund", "transfer", "top-up", "payout"] as const;
export type EntryType = (typeof entryTypes)[number];

/** One posting as its account sees it. */
export type Entry = {
  readonly id: EntryId;
  readonly tenant: string;
  readonly account: AccountId;
  readonly amount: Amount;
  readonly balanceAfter: Amount;
  readonly currency: Currency;
  readonly type: EntryType;
  readonly bookedAt: Micros;
  readonly effectiveDate: BusinessDate;
  readonly counterparty: AccountId;
  readonly reference: string | null;
  readonly source: { readonly kind: EntryType; readonly id: string };
  readonly position: Position;
};
