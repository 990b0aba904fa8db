import type { Limits, OpenableAccountType } from "./account.ts";
import type { AccountId, PaymentId } from "./ids.ts";
import type { Amount, Currency } from "./money.ts";
import type { Metadata } from "./payment.ts";
import type { BusinessDate, Micros } from "./time.ts";

export type Leg = { readonly from: AccountId; readonly to: AccountId; readonly amount: Amount };

export type OpenAccount = {
  readonly type: "OpenAccount";
  readonly accountType: OpenableAccountType;
  readonly currency: Currency;
  readonly owner: string;
  readonly displayName: string | null;
  readonly timeZone: string;
  readonly limits: Limits;
  readonly metadata: Metadata;
};
export type FreezeAccount = { readonly type: "FreezeAccount"; readonly account: AccountId; readonly reason: string };
export type UnfreezeAccount = {
  readonly type: "UnfreezeAccount";
  readonly account: AccountId;
  readonly reason: string;
};
export type CloseAccount = { readonly type: "CloseAccount"; readonly account: AccountId; readonly reason: string };
export type PostTransfer = {
  readonly type: "PostTransfer";
  readonly legs: readonly Leg[];
  readonly currency: Currency;
  readonly reference: string | null;
  readonly effectiveDate: BusinessDate | null;
  readonly metadata: Metadata;
};
export type TopUpAccount = {
  readonly type: "TopUpAccount";
  readonly account: AccountId;
  readonly amount: Amount;
  readonly currency: Currency;
  readonly rail: string;
  readonly externalId: string | null;
};
export type PayOut = {
  readonly type: "PayOut";
  readonly account: AccountId;
  readonly amount: Amount;
  readonly currency: Currency;
  readonly rail: string;
  readonly externalId: string | null;
};
export type MakePayment = {
  readonly type: "MakePayment";
  readonly payer: AccountId;
  readonly payee: AccountId;
  readonly amount: Amount;
  readonly currency: Currency;
  readonly capture: "automatic" | "manual";
  readonly reference: string | null;
  /** Null: the default, 7 days from now. Only an authorization (manual capture) expires. */
  readonly expiresAt: Micros | null;
  readonly metadata: Metadata;
};
/** `amount` null: everything left. `final`: releases the rest. */
export type CapturePayment = {
  readonly type: "CapturePayment";
  readonly payment: PaymentId;
  readonly amount: Amount | null;
  readonly final: boolean;
};
export type VoidPayment = { readonly type: "VoidPayment"; readonly payment: PaymentId };
/** `amount` null: everything left. */
export type RefundPayment = {
  readonly type: "RefundPayment";
  readonly payment: PaymentId;
  readonly amount: Amount | null;
  readonly reason: string | null;
};
/** Sent only by the ledger itself. Releases a hold that expired by log time. */
export type ExpirePayment = { readonly type: "ExpirePayment"; readonly payment: PaymentId };

/** Clients' commands: well-formed, not decided yet. */
export type ClientCommand =
  | OpenAccount
  | FreezeAccount
  | UnfreezeAccount
  | CloseAccount
  | PostTransfer
  | TopUpAccount
  | PayOut
  | MakePayment
  | CapturePayment
  | VoidPayment
  | RefundPayment;
export type Command = ClientCommand | ExpirePayment;
export type CommandType = Command["type"];

/** Seven days: the default lifetime of an authorization. */
export const AUTHORIZATION_LIFETIME_US = 7 * 86_400 * 1_000_000;
/** 400 days: the longest lifetime of an authorization. */
export const AUTHORIZATION_LIFETIME_MAX_US = 400 * 86_400 * 1_000_000;
/** The first business date on which a transfer may take effect. */
export const EFFECTIVE_DATE_MIN = "1970-01-01" as BusinessDate;
/** The most days after today, in UTC, on which it may take effect. */
export const EFFECTIVE_DAYS_AHEAD_MAX = 366;
