import type { Account } from "./account.ts";
import type { Leg } from "./commands.ts";
import type { AccountId, EventId, PaymentId, PayoutId, RefundId, TopUpId, TransferId } from "./ids.ts";
import type { Amount, Currency } from "./money.ts";
import type { Metadata, Payment } from "./payment.ts";
import type { Revision, Shard } from "./position.ts";
import type { RejectionCode } from "./rejections.ts";
import type { BusinessDate, Micros } from "./time.ts";

/**
 * The command behind an event. Exactly one event of a command has its `key` and `print`: the one that the answer is
 * made from. `print` is the fingerprint of the command, 32 hex digits (16 in old events; zeros where the fact holds the
 * whole command): the same key with another print is a reuse.
 */
export type Origin = {
  readonly tenant: string;
  readonly sub: string;
  readonly key: string | null;
  readonly print: string | null;
};

/**
 * One side of a movement: `amount` is signed (credit positive), `balance` the account's posted balance after it, `date`
 * its effective business date. Postings come in pairs, debit then credit: the counterparty of index i is index i ^ 1.
 */
export type Posting = {
  readonly account: AccountId;
  readonly amount: Amount;
  readonly balance: Amount;
  readonly date: BusinessDate;
};

/** A change of what is held on an account: `amount` signed, `held` after it. */
export type HoldChange = { readonly account: AccountId; readonly amount: Amount; readonly held: Amount };

export type WriterEpochStarted = { readonly type: "WriterEpochStarted"; readonly epoch: number; readonly salt: number };

export type AccountOpened = { readonly type: "AccountOpened"; readonly account: Account; readonly metadata: Metadata };
/** `account` is the account after the change, balances included. */
export type AccountFrozen = { readonly type: "AccountFrozen"; readonly account: Account; readonly reason: string };
export type AccountUnfrozen = { readonly type: "AccountUnfrozen"; readonly account: Account; readonly reason: string };
export type AccountClosed = { readonly type: "AccountClosed"; readonly account: Account; readonly reason: string };

/** A business day of an account on which a transfer's debits count against its daily limit. */
export type SpentDay = { readonly account: AccountId; readonly day: BusinessDate };

export type TransferPosted = {
  readonly type: "TransferPosted";
  readonly transfer: TransferId;
  readonly legs: readonly Leg[];
  readonly currency: Currency;
  readonly reference: string | null;
  readonly effectiveDate: BusinessDate | null;
  readonly metadata: Metadata;
  readonly postings: readonly Posting[];
  /**
   * The days of debited accounts with a daily limit, if an effective date hides them; else the postings' dates. Null in
   * events before version 2.
   */
  readonly spentOn: readonly SpentDay[] | null;
};
export type TopUpSettled = {
  readonly type: "TopUpSettled";
  readonly topUp: TopUpId;
  readonly account: AccountId;
  readonly amount: Amount;
  readonly currency: Currency;
  readonly rail: string;
  readonly externalId: string | null;
  readonly postings: readonly Posting[];
};
export type PayoutSettled = {
  readonly type: "PayoutSettled";
  readonly payout: PayoutId;
  readonly account: AccountId;
  readonly amount: Amount;
  readonly currency: Currency;
  readonly rail: string;
  readonly externalId: string | null;
  readonly postings: readonly Posting[];
};

/** Authorized and captured at once: a payment with automatic capture. */
export type PaymentCharged = {
  readonly type: "PaymentCharged";
  readonly payment: Payment;
  readonly postings: readonly Posting[];
};
export type PaymentAuthorized = {
  readonly type: "PaymentAuthorized";
  readonly payment: Payment;
  readonly hold: HoldChange;
};
/**
 * `amount` was captured, `released` given back to the payer's available balance; on the business day of the
 * authorization (`sameDay`) it is given back to the ceiling of that day, too.
 */
export type PaymentCaptured = {
  readonly type: "PaymentCaptured";
  readonly payment: Payment;
  readonly amount: Amount;
  readonly released: Amount;
  readonly sameDay: boolean;
  readonly hold: HoldChange;
  readonly postings: readonly Posting[];
};
export type PaymentVoided = {
  readonly type: "PaymentVoided";
  readonly payment: Payment;
  readonly released: Amount;
  readonly sameDay: boolean;
  readonly hold: HoldChange;
};
export type PaymentExpired = {
  readonly type: "PaymentExpired";
  readonly payment: Payment;
  readonly released: Amount;
  readonly sameDay: boolean;
  readonly hold: HoldChange;
};
export type PaymentRefunded = {
  readonly type: "PaymentRefunded";
  readonly refund: RefundId;
  readonly payment: Payment;
  readonly amount: Amount;
  readonly feeReturned: Amount;
  readonly reason: string | null;
  readonly postings: readonly Posting[];
};

/** The fields of every recorded refusal; `subject` names the accounts or the payment that the command was about. */
type Refusal = { readonly code: RejectionCode; readonly detail: string };
export type AccountChangeDeclined = Refusal & {
  readonly type: "AccountChangeDeclined";
  readonly change: "freeze" | "unfreeze" | "close";
  readonly account: AccountId;
};
export type TransferDeclined = Refusal & {
  readonly type: "TransferDeclined";
  readonly legs: readonly Leg[];
  readonly currency: Currency;
};
export type TopUpDeclined = Refusal & {
  readonly type: "TopUpDeclined";
  readonly account: AccountId;
  readonly amount: Amount;
  readonly currency: Currency;
  readonly rail: string;
};
export type PayoutDeclined = Refusal & {
  readonly type: "PayoutDeclined";
  readonly account: AccountId;
  readonly amount: Amount;
  readonly currency: Currency;
  readonly rail: string;
};
export type PaymentDeclined = Refusal & {
  readonly type: "PaymentDeclined";
  readonly payer: AccountId;
  readonly payee: AccountId;
  readonly amount: Amount;
  readonly currency: Currency;
  readonly capture: "automatic" | "manual";
};
export type CaptureDeclined = Refusal & {
  readonly type: "CaptureDeclined";
  readonly payment: PaymentId;
  readonly amount: Amount | null;
};
export type VoidDeclined = Refusal & { readonly type: "VoidDeclined"; readonly payment: PaymentId };
export type RefundDeclined = Refusal & {
  readonly type: "RefundDeclined";
  readonly payment: PaymentId;
  readonly amount: Amount | null;
};

/**
 * The result of a bulk, so that its key always gets the same answer. `outcomes` are in the order of the items: a run of
 * items whose answering events have consecutive revisions, or a run of items with the same fault, by its index in
 * `faults`.
 */
export type BulkRecorded = {
  readonly type: "BulkRecorded";
  readonly mode: "each" | "atomic";
  /** The distinct faults. */
  readonly faults: readonly BulkFault[];
  readonly outcomes: readonly BulkOutcome[];
};
export type BulkOutcome =
  | { readonly first: Revision; readonly count: number }
  | { readonly fault: number; readonly count: number };

/** The fault of an item that recorded nothing; `code` is a problem code. */
export type BulkFault = {
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[];
  /** The number of unlisted errors; absent if none. */
  readonly more?: number;
};

export type Declined =
  | AccountChangeDeclined
  | TransferDeclined
  | TopUpDeclined
  | PayoutDeclined
  | PaymentDeclined
  | CaptureDeclined
  | VoidDeclined
  | RefundDeclined;
export type PaymentEvent =
  | PaymentCharged
  | PaymentAuthorized
  | PaymentCaptured
  | PaymentVoided
  | PaymentExpired
  | PaymentRefunded;
export type AccountEvent = AccountOpened | AccountFrozen | AccountUnfrozen | AccountClosed;

/** A fact of the domain. */
export type Fact =
  | WriterEpochStarted
  | AccountEvent
  | TransferPosted
  | TopUpSettled
  | PayoutSettled
  | PaymentEvent
  | Declined
  | BulkRecorded;
export type FactType = Fact["type"];

/** A fact with its identity, time and place, as it is appended and projected. */
export type LedgerEvent<F extends Fact = Fact> = {
  readonly id: EventId;
  readonly at: Micros;
  readonly shard: Shard;
  readonly revision: Revision;
  readonly origin: Origin;
  readonly fact: F;
};

/** The postings of a fact; none for one that moves no money. */
export function postingsOf(fact: Fact): readonly Posting[] {
  return "postings" in fact ? fact.postings : [];
}

/** The change of a hold in a fact, if there is one. */
export function holdOf(fact: Fact): HoldChange | undefined {
  return "hold" in fact ? fact.hold : undefined;
}

/** The refusal in a fact; undefined when the fact is not one. */
export function declinedOf(fact: Fact): Declined | undefined {
  return "code" in fact ? fact : undefined;
}
