import { type Account, clearingOwner } from "../account.ts";
import type { PayOut, TopUpAccount } from "../commands.ts";
import type { Decision, DecisionContext, LedgerState } from "../decision.ts";
import type { AccountOpened, Posting } from "../events.ts";
import { makeId } from "../ids.ts";
import type { Amount } from "../money.ts";
import { businessDate } from "../time.ts";
import {
  absentAccount,
  accepted,
  accountInTenant,
  accountToUse,
  frozen,
  insufficientFunds,
  invalidAmount,
  isLedgersOwn,
  notOpen,
  otherCurrency,
  overLimit,
  refused,
  tooLarge,
} from "./checks.ts";

/**
 * Moves money from the rail's clearing account, even to a frozen account. A frozen clearing account pauses its rail.
 */
export function decideTopUp(state: LedgerState, command: TopUpAccount, context: DecisionContext): Decision {
  const { amount, currency, rail, externalId } = command;
  const invalid = invalidAmount(amount);
  if (invalid) return refused(invalid);
  const account = accountInTenant(state, context.caller, command.account);
  if (account === undefined || isLedgersOwn(account)) return refused(absentAccount(command.account));
  const { opened, clearing } = clearingAccount(state, command, context);
  const clearingAfter = clearing.balances.posted - amount;
  const accountAfter = account.balances.posted + amount;
  const rejection =
    otherCurrency(account, currency) ??
    notOpen(account) ??
    frozen(clearing) ??
    tooLarge(clearing, clearingAfter, clearing.balances.held) ??
    tooLarge(account, accountAfter, account.balances.held);
  if (rejection) return refused(rejection);

  const topUp = makeId("top", context.mint(opened.length));
  const postings = [
    posting(clearing, -amount, clearingAfter, context),
    posting(account, amount, accountAfter, context),
  ];
  return accepted(...opened, {
    type: "TopUpSettled",
    topUp,
    account: account.id,
    amount,
    currency,
    rail,
    externalId,
    postings,
  });
}

/** Moves money to the rail's clearing account. */
export function decidePayOut(state: LedgerState, command: PayOut, context: DecisionContext): Decision {
  const { amount, currency, rail, externalId } = command;
  const invalid = invalidAmount(amount);
  if (invalid) return refused(invalid);
  const account = accountToUse(state, context.caller, command.account);
  if (account === undefined || isLedgersOwn(account)) return refused(absentAccount(command.account));
  const { opened, clearing } = clearingAccount(state, command, context);
  const { posted, held } = account.balances;
  const clearingAfter = clearing.balances.posted + amount;
  const rejection =
    otherCurrency(account, currency) ??
    notOpen(account) ??
    frozen(account) ??
    overLimit(account, amount, context.now) ??
    insufficientFunds(account, posted, amount) ??
    tooLarge(account, posted - amount, held) ??
    tooLarge(clearing, clearingAfter, clearing.balances.held);
  if (rejection) return refused(rejection);

  const payout = makeId("pyt", context.mint(opened.length));
  const postings = [
    posting(account, -amount, posted - amount, context),
    posting(clearing, amount, clearingAfter, context),
  ];
  return accepted(...opened, {
    type: "PayoutSettled",
    payout,
    account: account.id,
    amount,
    currency,
    rail,
    externalId,
    postings,
  });
}

/** The clearing account of a tenant, rail and currency, which the first command that needs it opens. */
function clearingAccount(
  state: LedgerState,
  { rail, currency }: TopUpAccount | PayOut,
  { caller: { tenant }, now, mint }: DecisionContext,
): { opened: readonly AccountOpened[]; clearing: Account } {
  const id = state.clearing(tenant, rail, currency);
  const known = id === undefined ? undefined : state.account(id);
  if (known !== undefined) return { opened: [], clearing: known };
  const clearing: Account = {
    id: makeId("acct", mint(0)),
    tenant,
    type: "clearing",
    currency,
    owner: clearingOwner(rail),
    displayName: null,
    timeZone: "UTC",
    status: "open",
    limits: { floor: null, perTransaction: null, perDay: null },
    balances: { posted: 0n, held: 0n },
    openedAt: now,
  };
  return { opened: [{ type: "AccountOpened", account: clearing, metadata: {} }], clearing };
}

function posting(account: Account, amount: Amount, balance: Amount, { now }: DecisionContext): Posting {
  return { account: account.id, amount, balance, date: businessDate(now, account.timeZone) };
}
