import type { Account } from "../domain/account.ts";
import { assert } from "../domain/errors.ts";
import { holdOf, type LedgerEvent, type Posting, postingsOf } from "../domain/events.ts";
import type { AccountId, PaymentId } from "../domain/ids.ts";
import type { Amount } from "../domain/money.ts";
import type { Payment } from "../domain/payment.ts";
import type { Micros } from "../domain/time.ts";

/** An independent check of a ledger's events by plain sums; shares nothing with the deciders and `evolve`. */
export type EventAuditor = {
  /** @throws an assertion that names the promise the event breaks */
  inspect(event: LedgerEvent): void;
  posted(account: AccountId): Amount;
  held(account: AccountId): Amount;
  available(account: AccountId): Amount;
  /** The sum of all balances of a currency; zero if every account started at zero. */
  total(currency: string): Amount;
};

/**
 * The events whose debits must have been checked against funds and ceilings; refunds and captures are not among them.
 */
const bounded = new Set(["TransferPosted", "PayoutSettled", "PaymentCharged", "PaymentAuthorized"]);

export function auditor(): EventAuditor {
  const accounts = new Map<AccountId, Account>();
  const balances = new Map<AccountId, Amount>();
  const payments = new Map<PaymentId, Payment>();
  const spent = new Map<string, Amount>();
  const authorizedOn = new Map<PaymentId, string>();

  const known = (id: AccountId): Account => {
    const account = accounts.get(id);
    assert(account, `account ${id} moves before it is opened`);
    return account;
  };
  const posted = (id: AccountId) => balances.get(id) ?? 0n;
  const held = (id: AccountId) => {
    let sum = 0n;
    for (const payment of payments.values()) if (payment.payer === id) sum += payment.held;
    return sum;
  };
  const available = (id: AccountId) => posted(id) - held(id);

  function book(postings: readonly Posting[]): void {
    const sums = new Map<string, Amount>();
    for (const { account, amount, balance } of postings) {
      const { currency } = known(account);
      sums.set(currency, (sums.get(currency) ?? 0n) + amount);
      balances.set(account, posted(account) + amount);
      assert(posted(account) === balance, `account ${account} is at ${posted(account)}, its posting says ${balance}`);
    }
    for (const [currency, sum] of sums) assert(sum === 0n, `postings in ${currency} sum to ${sum}`);
  }

  /** The total that left each account in the event, as debits or new holds. */
  function outgoings(event: LedgerEvent): Map<AccountId, Amount> {
    const out = new Map<AccountId, Amount>();
    for (const { account, amount } of postingsOf(event.fact)) {
      if (amount < 0n) out.set(account, (out.get(account) ?? 0n) - amount);
    }
    const hold = holdOf(event.fact);
    if (hold && hold.amount > 0n) out.set(hold.account, hold.amount);
    return out;
  }

  function checkBounds(event: LedgerEvent): void {
    for (const [id, amount] of outgoings(event)) {
      const { limits, status } = known(id);
      const { floor, perTransaction, perDay } = limits;
      assert(status === "open", `${amount} left the ${status} account ${id}`);
      assert(floor === null || available(id) >= floor, `account ${id} fell below its floor`);
      assert(perTransaction === null || amount <= perTransaction, `${amount} left account ${id} at once`);
      if (perDay === null) continue;
      const day = dayOf(id, event.at);
      if (event.fact.type === "PaymentAuthorized") authorizedOn.set(event.fact.payment.id, day);
      spent.set(day, (spent.get(day) ?? 0n) + amount);
      assert((spent.get(day) ?? 0n) <= perDay, `more than ${perDay} left account ${id} in a day`);
    }
  }

  function dayOf(id: AccountId, at: Micros): string {
    return `${id} ${new Date(at / 1000).toLocaleDateString("sv-SE", { timeZone: known(id).timeZone })}`;
  }

  /** A release on the day of its authorization reduces that day's spending. */
  function giveBack({ fact, at }: LedgerEvent): void {
    if (!("released" in fact)) return;
    const day = dayOf(fact.payment.payer, at);
    if (authorizedOn.get(fact.payment.id) === day) spent.set(day, (spent.get(day) ?? 0n) - fact.released);
  }

  function checkPayment(payment: Payment): void {
    const before = payments.get(payment.id);
    const { id, amount, captured, refunded } = payment;
    assert(captured + payment.held <= amount, `payment ${id} captures and holds more than its amount`);
    assert(refunded <= captured, `payment ${id} refunds more than was captured`);
    assert(payment.held >= 0n && captured >= 0n && refunded >= 0n, `payment ${id} has an amount below zero`);
    assert(!before || (captured >= before.captured && refunded >= before.refunded), `payment ${id} went back`);
    payments.set(id, payment);
  }

  return {
    inspect(event) {
      const { fact } = event;
      const availableBefore = new Map([...accounts.keys()].map((id) => [id, available(id)]));
      if ("account" in fact && typeof fact.account === "object") {
        if (fact.type === "AccountOpened") balances.set(fact.account.id, fact.account.balances.posted);
        accounts.set(fact.account.id, fact.account);
      }
      book(postingsOf(fact));
      if ("payment" in fact && typeof fact.payment === "object") checkPayment(fact.payment);
      const hold = holdOf(fact);
      if (hold) assert(held(hold.account) === hold.held, `account ${hold.account} holds ${held(hold.account)}`);
      giveBack(event);
      if (bounded.has(fact.type)) return checkBounds(event);
      if (fact.type === "PaymentRefunded") return;
      for (const [id, before] of availableBefore) {
        const unbounded = known(id).limits.floor === null;
        assert(unbounded || available(id) >= before, `${fact.type} took from what account ${id} has available`);
      }
    },
    posted,
    held,
    available,
    total(currency) {
      let sum = 0n;
      for (const { id, currency: kept } of accounts.values()) if (kept === currency) sum += posted(id);
      return sum;
    },
  };
}
