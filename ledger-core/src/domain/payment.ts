import type { AccountType } from "./account.ts";
import type { AccountId, PaymentId } from "./ids.ts";
import type { Amount, Currency } from "./money.ts";
import type { BusinessDate, Micros } from "./time.ts";

export type PaymentStatus =
  | "authorized"
  | "partially_captured"
  | "captured"
  | "partially_refunded"
  | "refunded"
  | "voided"
  | "expired";
export const paymentStatuses = [
  "authorized",
  "partially_captured",
  "captured",
  "partially_refunded",
  "refunded",
  "voided",
  "expired",
] as const satisfies readonly PaymentStatus[];

export type Metadata = { readonly [key: string]: string };

export function isEmptyMetadata(metadata: Metadata): boolean {
  for (const _ in metadata) return false;
  return true;
}

/**
 * A payment after an event; every event of a payment carries it whole, so that its last event is its
 * state. `held` is what is authorized and neither captured nor released.
 */
export type Payment = {
  readonly id: PaymentId;
  readonly tenant: string;
  readonly payer: AccountId;
  readonly payee: AccountId;
  readonly payeeType: AccountType;
  readonly amount: Amount;
  readonly currency: Currency;
  readonly status: PaymentStatus;
  readonly captured: Amount;
  readonly refunded: Amount;
  readonly held: Amount;
  readonly fee: Amount;
  readonly capture: "automatic" | "manual";
  readonly reference: string | null;
  readonly metadata: Metadata;
  readonly createdAt: Micros;
  readonly expiresAt: Micros | null;
  /**
   * The payer's business day whose limit the authorization counts against. Null without a daily limit, for a charge
   * (its posting has the date), and for authorizations before version 2 of their event.
   */
  readonly spentOn: BusinessDate | null;
};
