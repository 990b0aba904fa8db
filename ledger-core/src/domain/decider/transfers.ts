import type { AccountState } from "../account.ts";
import { EFFECTIVE_DATE_MIN, EFFECTIVE_DAYS_AHEAD_MAX, type Leg, type PostTransfer } from "../commands.ts";
import type { Decision, DecisionContext, LedgerState } from "../decision.ts";
import type { Posting, SpentDay } from "../events.ts";
import { type AccountId, makeId } from "../ids.ts";
import { AMOUNT_MAX, type Amount, type Currency } from "../money.ts";
import { type Rejection, reject } from "../rejections.ts";
import { type BusinessDate, businessDate, type Micros } from "../time.ts";
import {
  absentAccount,
  accepted,
  accountInTenant,
  accountToUse,
  frozen,
  insufficientFunds,
  invalidAmount,
  notOpen,
  otherCurrency,
  overLimit,
  refused,
  tooLarge,
} from "./checks.ts";

const LEGS_MAX = 100;

/** An account during the legs: `posted` is its running balance, `debits` all that leaves it in the transfer. */
type Running = { readonly account: AccountState; readonly date: BusinessDate; posted: Amount; debits: Amount };

/**
 * All legs or none. Each check covers every leg before the next check begins. Funds come last, leg by leg on running
 * balances: a later leg may spend what an earlier one brought. Limits apply to all that leaves an account in the
 * transfer.
 */
export function decideTransfer(state: LedgerState, command: PostTransfer, context: DecisionContext): Decision {
  const { legs, currency } = command;
  const invalid = invalidLegs(legs) ?? invalidDate(command, context.now);
  if (invalid) return refused(invalid);
  const accounts = new Map<AccountId, Running>();
  for (const leg of legs) {
    const from = accountToUse(state, context.caller, leg.from);
    if (from === undefined || from.type === "transit") return refused(absentAccount(leg.from));
    const to = accountInTenant(state, context.caller, leg.to);
    if (to === undefined || to.type === "transit") return refused(absentAccount(leg.to));
    running(accounts, from, command, context.now).debits += leg.amount;
    running(accounts, to, command, context.now);
  }
  const rejection = sameAccount(legs) ?? unfit([...accounts.values()], currency, context.now);
  if (rejection) return refused(rejection);

  const postings: Posting[] = [];
  for (const leg of legs) {
    const from = accounts.get(leg.from);
    const to = accounts.get(leg.to);
    if (from === undefined || to === undefined) return refused(absentAccount(leg.from));
    const short = insufficientFunds(from.account, from.posted, leg.amount);
    if (short) return refused(short);
    from.posted -= leg.amount;
    to.posted += leg.amount;
    const large = overflow(from) ?? overflow(to);
    if (large) return refused(large);
    postings.push(
      { account: leg.from, amount: -leg.amount, balance: from.posted, date: from.date },
      { account: leg.to, amount: leg.amount, balance: to.posted, date: to.date },
    );
  }
  const { reference, effectiveDate, metadata } = command;
  const transfer = makeId("txf", context.mint(0));
  const spentOn = effectiveDate === null ? [] : spentDays([...accounts.values()], context.now);
  const texts = { reference, effectiveDate, metadata };
  return accepted({ type: "TransferPosted", transfer, legs, currency, ...texts, postings, spentOn });
}

function invalidDate({ effectiveDate }: PostTransfer, now: Micros): Rejection | undefined {
  if (effectiveDate === null) return undefined;
  const last = businessDate(now + EFFECTIVE_DAYS_AHEAD_MAX * 86_400_000_000, "UTC");
  if (effectiveDate >= EFFECTIVE_DATE_MIN && effectiveDate <= last) return undefined;
  return reject("invalid_request", `effectiveDate is from ${EFFECTIVE_DATE_MIN} to ${last} today.`, "/effectiveDate");
}

/** The business days of the daily limits, if the postings have another date. */
function spentDays(accounts: readonly Running[], now: Micros): SpentDay[] {
  return accounts
    .filter(({ account, debits }) => debits > 0n && account.limits.perDay !== null)
    .map(({ account }) => ({ account: account.id, day: businessDate(now, account.timeZone) }));
}

function invalidLegs(legs: readonly Leg[]): Rejection | undefined {
  if (legs.length < 1 || legs.length > LEGS_MAX) {
    return reject("invalid_request", `A transfer has 1 to ${LEGS_MAX} legs.`, "/legs");
  }
  let sum = 0n;
  for (const [index, leg] of legs.entries()) {
    const invalid = invalidAmount(leg.amount, `/legs/${index}/amount`);
    if (invalid) return invalid;
    sum += leg.amount;
  }
  if (sum <= AMOUNT_MAX) return undefined;
  return reject("amount_invalid", `The amounts of a transfer's legs sum to at most ${AMOUNT_MAX}.`, "/legs");
}

function running(
  accounts: Map<AccountId, Running>,
  account: AccountState,
  { effectiveDate }: PostTransfer,
  now: Micros,
): Running {
  const known = accounts.get(account.id);
  if (known) return known;
  const date = effectiveDate ?? businessDate(now, account.timeZone);
  const fresh: Running = { account, date, posted: account.balances.posted, debits: 0n };
  accounts.set(account.id, fresh);
  return fresh;
}

function sameAccount(legs: readonly Leg[]): Rejection | undefined {
  const index = legs.findIndex((leg) => leg.from === leg.to);
  if (index < 0) return undefined;
  return reject("same_account", `Leg ${index + 1} goes from an account to itself; name two accounts.`);
}

function unfit(accounts: readonly Running[], currency: Currency, now: Micros): Rejection | undefined {
  return (
    first(accounts, ({ account }) => otherCurrency(account, currency)) ??
    first(accounts, ({ account }) => notOpen(account)) ??
    first(accounts, ({ account, debits }) => (debits > 0n ? frozen(account) : undefined)) ??
    first(accounts, ({ account, debits }) => (debits > 0n ? overLimit(account, debits, now) : undefined))
  );
}

function first<T>(items: readonly T[], check: (item: T) => Rejection | undefined): Rejection | undefined {
  for (const item of items) {
    const rejection = check(item);
    if (rejection) return rejection;
  }
  return undefined;
}

function overflow({ account, posted }: Running): Rejection | undefined {
  return tooLarge(account, posted, account.balances.held);
}
