import type { Account, AccountState, Balances, Standing } from "./account.ts";
import type { LedgerStateDraft } from "./decision.ts";
import { ImpossibleEvent, unreachable } from "./errors.ts";
import type { HoldChange, LedgerEvent, Posting } from "./events.ts";
import type { AccountId } from "./ids.ts";
import type { Amount } from "./money.ts";
import { businessDate, type Micros } from "./time.ts";

/**
 * Applies an event to the decision state. Facts are not argued with, but checked: postings that do not sum to zero, or balances
 * that are not what the state comes to, are a bug, a damaged state, or a log that no ledger wrote.
 * @throws ImpossibleEvent
 */
export function evolve(draft: LedgerStateDraft, event: LedgerEvent): void {
  const { fact, at } = event;
  switch (fact.type) {
    case "PaymentCharged":
      post(draft, fact.postings, at);
      draft.putPayment(fact.payment);
      return;
    case "PaymentAuthorized":
      hold(draft, fact.hold, at);
      draft.putPayment(fact.payment);
      return;
    case "PaymentCaptured":
      hold(draft, fact.hold, null);
      post(draft, fact.postings, null);
      draft.putPayment(fact.payment);
      return;
    case "PaymentVoided":
    case "PaymentExpired":
      hold(draft, fact.hold, null);
      draft.putPayment(fact.payment);
      return;
    case "PaymentRefunded":
      post(draft, fact.postings, null);
      draft.putPayment(fact.payment);
      return;
    case "TransferPosted":
    case "PayoutSettled":
      post(draft, fact.postings, at);
      return;
    case "TopUpSettled":
      post(draft, fact.postings, null);
      return;
    case "AccountOpened":
      draft.putAccount({ ...fact.account, day: null, spent: 0n });
      return;
    case "AccountFrozen":
    case "AccountUnfrozen":
    case "AccountClosed":
      changeStatus(draft, fact.account);
      return;
    case "WriterEpochStarted":
    case "BulkRecorded":
    case "AccountChangeDeclined":
    case "TransferDeclined":
    case "TopUpDeclined":
    case "PayoutDeclined":
    case "PaymentDeclined":
    case "CaptureDeclined":
    case "VoidDeclined":
    case "RefundDeclined":
      return;
    default:
      unreachable(fact);
  }
}

/** `spentAt` is the time when the debits count against the day's ceiling; null: they do not, or did when authorized. */
function post(draft: LedgerStateDraft, postings: readonly Posting[], spentAt: Micros | null): void {
  let sum = 0n;
  for (const { account: id, amount, balance } of postings) {
    sum += amount;
    const account = existing(draft, id);
    const posted = account.balances.posted + amount;
    if (posted !== balance) impossible(`account ${id} stands at ${posted}, its posting says ${balance}`);
    const balances = { posted, held: account.balances.held };
    draft.moveAccount(account, moved(account, balances, amount, spentAt));
  }
  if (sum !== 0n) impossible(`postings sum to ${sum}`);
}

function hold(draft: LedgerStateDraft, change: HoldChange, spentAt: Micros | null): void {
  const account = existing(draft, change.account);
  const held = account.balances.held + change.amount;
  if (held !== change.held) impossible(`account ${change.account} holds ${held}, its event says ${change.held}`);
  if (held < 0n) impossible(`account ${change.account} would hold ${held}`);
  draft.moveAccount(account, moved(account, { posted: account.balances.posted, held }, -change.amount, spentAt));
}

/**
 * An amount below zero leaves the account, and is spent. What was spent on an earlier day is forgotten when something is spent on the
 * next. A void does not give the day back.
 */
function moved(account: AccountState, balances: Balances, amount: Amount, spentAt: Micros | null): Standing {
  if (spentAt === null || amount >= 0n || account.limits.perDay === null)
    return { balances, day: account.day, spent: account.spent };
  const spent = -amount;
  const day = businessDate(spentAt, account.timeZone);
  return { balances, day, spent: day === account.day ? account.spent + spent : spent };
}

function changeStatus(draft: LedgerStateDraft, account: Account): void {
  const { balances, day, spent } = existing(draft, account.id);
  const { posted, held } = account.balances;
  if (balances.posted !== posted || balances.held !== held) {
    const told = `account ${account.id} changed status and balance at once`;
    impossible(`${told}: from ${balances.posted}, ${balances.held} held, to ${posted}, ${held} held`);
  }
  draft.putAccount({ ...account, day, spent });
}

function existing(draft: LedgerStateDraft, id: AccountId): AccountState {
  return draft.account(id) ?? impossible(`account ${id} has an event but was never opened`);
}

/** A function of its own, so that texts are only made on failure: amounts become text slower than they are added up. */
function impossible(message: string): never {
  throw new ImpossibleEvent(message);
}
