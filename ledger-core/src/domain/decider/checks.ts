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

/** The same answer whether the account does not exist, is another tenant's, or is not the caller's to use. */
export function absentAccount(id: AccountId): Rejection {
  return reject("account_not_found", `There is no account ${id} that you may use; check the id.`);
}

/** The same answer whether the payment does not exist, is another tenant's, or is not the caller's to act on. */
export function absentPayment(id: PaymentId): Rejection {
  return reject("payment_not_found", `There is no payment ${id} that you may act on; check the id.`);
}

/** An account of the caller's tenant, to credit or inspect; undefined if absent or another tenant's. */
export function accountInTenant(state: LedgerState, caller: Caller, id: AccountId): AccountState | undefined {
  const account = state.account(id);
  return account?.tenant === caller.tenant ? account : undefined;
}

/** An account that the caller may debit; undefined if absent or not the caller's. */
export function accountToUse(state: LedgerState, caller: Caller, id: AccountId): AccountState | undefined {
  const account = state.account(id);
  return account !== undefined && mayUse(caller, account) ? account : undefined;
}

/** Whether it is a clearing or transit account, which customers' commands cannot use. */
export function isLedgersOwn(account: Account): boolean {
  return account.type === "clearing" || account.type === "transit";
}

/** The payment and both its accounts, if the caller may act as its payee. */
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

/** The edge has checked amounts; the domain checks them again. */
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

/** Refuses a debit of `amount` that exceeds the limit per transaction, or per day in the account's time zone. */
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
 * Whether a release now gives its amount back to the payer's daily limit: it was authorized on the same business day.
 */
export function isSameDay(payment: Payment, payer: AccountState, now: Micros): boolean {
  if (payer.limits.perDay === null) return false;
  const today = businessDate(now, payer.timeZone);
  return payer.day === today && (payment.spentOn ?? businessDate(payment.createdAt, payer.timeZone)) === today;
}

/** Refuses `amount` if the available balance, at `posted`, would fall below the floor. */
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

/** Refuses a movement after which a balance would be too large for the ledger; the detail does not reveal it. */
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
