import type { Account, AccountState } from "../account.ts";
import type { Caller } from "../caller.ts";
import type { Decision, LedgerState } from "../decision.ts";
import type { Fact } from "../events.ts";
import type { AccountId, PaymentId } from "../ids.ts";
import { AMOUNT_MAX, type Amount, type Currency, formatAmount } from "../money.ts";
import type { Payment } from "../payment.ts";
import { mayUse } from "../policy.ts";
import { type Rejection, reject } from "../rejections.ts";
import { businessDate, type Micros } from "../time.ts";

/*
 * The checks of every decider, each a function that answers a refusal or nothing. A decider runs all of them before its
 * outcome, chained by `??` in the ledger's one order of precedence, which precedence.test.ts pins:
 *   1. form: amounts, number of legs, times it names     (amount_invalid, invalid_request; never recorded)
 *   2. existence and policy, in the command's order   (account_not_found, payment_not_found; never recorded)
 *   3. the pair: same account, then currency          (same_account, currency_mismatch)
 *   4. the payment's state, then what is left of it   (payment_expired, payment_not_…, …_exceeds_…)
 *   5. the accounts' status, debtor before creditor   (account_not_open, account_frozen)
 *   6. limits of the debtor                           (limit_per_transaction, limit_per_day)
 *   7. funds of the debtor                            (insufficient_funds, account_not_empty)
 *   8. what a balance can hold                        (amount_too_large)
 */

export function accepted(...facts: Fact[]): Decision {
  return { kind: "accepted", facts };
}

export function refused(rejection: Rejection): Decision {
  return { kind: "refused", rejection };
}

/** The same words whether the account does not exist, is another tenant's, or is not the caller's to use. */
export function absentAccount(id: AccountId): Rejection {
  return reject("account_not_found", `There is no account ${id} that you may use; check the id.`);
}

/** The same words whether the payment does not exist, is another tenant's, or is not the caller's to act on. */
export function absentPayment(id: PaymentId): Rejection {
  return reject("payment_not_found", `There is no payment ${id} that you may act on; check the id.`);
}

/** An account of the caller's tenant, to credit or to look at; undefined as if absent for another tenant's. */
export function accountInTenant(state: LedgerState, caller: Caller, id: AccountId): AccountState | undefined {
  const account = state.account(id);
  return account?.tenant === caller.tenant ? account : undefined;
}

/** An account that the caller may command; undefined as if absent for any other. */
export function accountToUse(state: LedgerState, caller: Caller, id: AccountId): AccountState | undefined {
  const account = state.account(id);
  return account !== undefined && mayUse(caller, account) ? account : undefined;
}

/** A clearing or transit account: the ledger moves it by itself, so that customers' commands do not reach it. */
export function isLedgersOwn(account: Account): boolean {
  return account.type === "clearing" || account.type === "transit";
}

/** The payment and both its accounts, when the caller may act as its payee. */
export function paymentToUse(
  state: LedgerState,
  caller: Caller,
  id: PaymentId,
): { payment: Payment; payer: AccountState; payee: AccountState } | undefined {
  const payment = state.payment(id);
  if (payment === undefined || payment.tenant !== caller.tenant) return undefined;
  const payer = state.account(payment.payer);
  const payee = accountToUse(state, caller, payment.payee);
  return payer === undefined || payee === undefined ? undefined : { payment, payer, payee };
}

/** Amounts are checked where they come in; this is the domain's own word on it. */
export function invalidAmount(amount: Amount, pointer = "/amount"): Rejection | undefined {
  if (amount > 0n && amount <= AMOUNT_MAX) return undefined;
  return reject("amount_invalid", `An amount is 1 to ${AMOUNT_MAX} minor units.`, pointer);
}

export function otherCurrency(account: Account, currency: Currency): Rejection | undefined {
  if (account.currency === currency) return undefined;
  return reject("currency_mismatch", `Account ${account.id} is not kept in ${currency}; send its own currency.`);
}

export function notOpen(account: Account): Rejection | undefined {
  if (account.status !== "closed") return undefined;
  return reject("account_not_open", `Account ${account.id} is closed and takes no more commands.`);
}

/** Refuses new debits, authorizations and refunds from a frozen account. */
export function frozen(account: Account): Rejection | undefined {
  if (account.status !== "frozen") return undefined;
  return reject("account_frozen", `Account ${account.id} is frozen; nothing may leave it until it is unfrozen.`);
}

/** Whether `amount` leaving the account in one command, today in its own zone, stays under its ceilings. */
export function overLimit(account: AccountState, amount: Amount, now: Micros): Rejection | undefined {
  const { perTransaction, perDay } = account.limits;
  if (perTransaction !== null && amount > perTransaction) {
    return reject(
      "limit_per_transaction",
      `At most ${money(perTransaction, account)} may leave account ${account.id} at once; send a smaller amount.`,
    );
  }
  if (perDay === null) return undefined;
  const today = businessDate(now, account.timeZone);
  const spent = account.day === today ? account.spent : 0n;
  if (spent + amount <= perDay) return undefined;
  return reject(
    "limit_per_day",
    `Of ${money(perDay, account)} a day, ${money(perDay - spent, account)} may still leave account ${account.id} ` +
      `on ${today}.`,
  );
}

/**
 * Whether what is released of a payment now is given back to its payer's ceiling of the day: it was authorized on this
 * business day, which is the one that the payer's spending is counted for.
 */
export function isSameDay(payment: Payment, payer: AccountState, now: Micros): boolean {
  if (payer.limits.perDay === null) return false;
  const today = businessDate(now, payer.timeZone);
  return payer.day === today && (payment.spentOn ?? businessDate(payment.createdAt, payer.timeZone)) === today;
}

/** Refuses `amount` when the account at `posted`, without what is held, would fall below its floor. */
export function insufficientFunds(account: Account, posted: Amount, amount: Amount): Rejection | undefined {
  const { floor } = account.limits;
  const available = posted - account.balances.held;
  if (floor === null || available - amount >= floor) return undefined;
  const given = available > floor ? available - floor : 0n;
  return reject(
    "insufficient_funds",
    `Account ${account.id} can give ${money(given, account)}, not ${money(amount, account)}; add funds or send less.`,
  );
}

/** Whether balances after a movement are still ones that the ledger can keep. Says nothing of the balance itself. */
export function tooLarge(account: Account, posted: Amount, held: Amount): Rejection | undefined {
  if (posted <= AMOUNT_MAX && held <= AMOUNT_MAX && posted - held >= -AMOUNT_MAX) return undefined;
  return reject(
    "amount_too_large",
    `The balance of account ${account.id} would pass what the ledger keeps; send less.`,
  );
}

function money(amount: Amount, account: Account): string {
  return `${formatAmount(amount, account.currency)} ${account.currency}`;
}
