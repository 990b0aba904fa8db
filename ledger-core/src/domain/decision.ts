import type { AccountState, AccountTotals } from "./account.ts";
import type { Caller } from "./caller.ts";
import type { Fact, LedgerEvent } from "./events.ts";
import type { AccountId, PaymentId } from "./ids.ts";
import type { Currency } from "./money.ts";
import type { Payment } from "./payment.ts";
import type { Shard } from "./position.ts";
import type { Rejection } from "./rejections.ts";
import type { Micros } from "./time.ts";

/** The loaded state that a decision reads: what its command `needs`. */
export interface LedgerState {
  account(id: AccountId): AccountState | undefined;
  payment(id: PaymentId): Payment | undefined;
  /**
   * The ledger's clearing account of a rail in a currency; opened by the first command that needs it.
   */
  clearing(tenant: string, rail: string, currency: Currency): AccountId | undefined;
}

/** A state to which events are applied. */
export interface LedgerStateDraft extends LedgerState {
  /** Puts an account that was opened, or whose status changed. */
  putAccount(account: AccountState): void;
  /** Moves money; `account` is the state's latest answer for its id. */
  moveAccount(account: AccountState, to: AccountTotals): void;
  putPayment(payment: Payment): void;
}

/** The context of a command: its caller, the time of its events, and their ids. */
export type DecisionContext = {
  readonly caller: Caller;
  /** Log time: never earlier than the last event. */
  readonly now: Micros;
  readonly shard: Shard;
  /** The 26 characters of the id of the decision's nth event (0 first), and so of the object that this event makes. */
  mint(index: number): string;
};

/** The last fact answers the command; those before it are its conditions (an opened clearing account). */
export type Decision =
  | { readonly kind: "accepted"; readonly facts: readonly Fact[] }
  | { readonly kind: "refused"; readonly rejection: Rejection };

/**
 * Must be loaded before a command is decided: these accounts; the payment, and then its payer and payee;
 * the tenant's clearing account of a rail and currency, if there is one.
 */
export type Needs = {
  readonly accounts: readonly AccountId[];
  readonly payment: PaymentId | null;
  readonly clearing: { readonly rail: string; readonly currency: Currency } | null;
};

/** An event without its identity: what the codec stores. */
export type EventBody = Pick<LedgerEvent, "origin" | "fact">;
