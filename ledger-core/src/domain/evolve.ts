import type { Account, AccountState, AccountTotals, Balances } from "./account.ts";
import type { LedgerStateDraft } from "./decision.ts";
import { ImpossibleEvent, unreachable } from "./errors.ts";
import type {
  HoldChange,
  LedgerEvent,
  PaymentCaptured,
  PaymentExpired,
  PaymentVoided,
  Posting,
  TransferPosted,
} from "./events.ts";
import type { AccountId } from "./ids.ts";
import type { Amount } from "./money.ts";
import { type BusinessDate, businessDate, type Micros } from "./time.ts";

type Release = PaymentCaptured | PaymentVoided | PaymentExpired;

/**
 * Applies an event to the decision state, and checks it: postings that do not sum to zero, or balances that differ from
 * the state's, mean a bug, a damaged state or a damaged log.
 * @throws ImpossibleEvent
 */
export function evolve(draft: LedgerStateDraft, event: LedgerEvent): void {
  const { fact, at } = event;
  switch (fact.type) {
    case "PaymentCharged":
      post(draft, fact.postings, ofPosting);
      draft.putPayment(fact.payment);
      return;
    case "PaymentAuthorized":
      hold(
        draft,
        fact.hold,
        spentOn(at, () => fact.payment.spentOn),
      );
      draft.putPayment(fact.payment);
      return;
    case "PaymentCaptured":
      release(draft, fact);
      post(draft, fact.postings, null);
      draft.putPayment(fact.payment);
      return;
    case "PaymentVoided":
    case "PaymentExpired":
      release(draft, fact);
      draft.putPayment(fact.payment);
      return;
    case "PaymentRefunded":
      post(draft, fact.postings, null);
      draft.putPayment(fact.payment);
      return;
    case "TransferPosted":
      post(draft, fact.postings, fact.effectiveDate === null ? ofPosting : spentOn(at, ({ id }) => dayIn(fact, id)));
      return;
    case "PayoutSettled":
      post(draft, fact.postings, ofPosting);
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

/** The business day whose limit a debit counts against, for an account with a daily limit. */
type SpentOn = (account: AccountState, posting: Posting | HoldChange) => BusinessDate;

/** A posting without an effective date has the account's business day at the time of the decision. */
const ofPosting: SpentOn = (_account, posting) => ("date" in posting ? posting.date : impossible("a hold has no date"));

/** The recorded day; for an old event without one, derived from its time by today's zone rules. */
function spentOn(at: Micros, decided: (account: AccountState) => BusinessDate | null | undefined): SpentOn {
  return (account) => decided(account) ?? businessDate(at, account.timeZone);
}

function dayIn({ spentOn: days }: TransferPosted, id: AccountId): BusinessDate | undefined {
  return days?.find(({ account }) => account === id)?.day;
}

/** `day` null: the debits do not count against a daily limit, or counted when authorized. */
function post(draft: LedgerStateDraft, postings: readonly Posting[], day: SpentOn | null): void {
  let sum = 0n;
  for (const posting of postings) {
    const { account: id, amount, balance } = posting;
    sum += amount;
    const account = existing(draft, id);
    const posted = account.balances.posted + amount;
    if (posted !== balance) impossible(`account ${id} is at ${posted}, its posting says ${balance}`);
    const balances = { posted, held: account.balances.held };
    draft.moveAccount(account, moved(account, balances, -amount, day, posting));
  }
  if (sum !== 0n) impossible(`postings sum to ${sum}`);
}

function hold(draft: LedgerStateDraft, change: HoldChange, day: SpentOn): void {
  const account = existing(draft, change.account);
  draft.moveAccount(account, moved(account, held(account, change), change.amount, day, change));
}

/** A release on the day of its authorization gives its amount back to that day's limit; a later one does not. */
function release(draft: LedgerStateDraft, { hold: change, released, sameDay }: Release): void {
  const account = existing(draft, change.account);
  const spent = sameDay ? account.spent - released : account.spent;
  if (spent < 0n) impossible(`account ${account.id} spent ${account.spent} and is given back ${released}`);
  draft.moveAccount(account, { balances: held(account, change), day: account.day, spent });
}

function held(account: AccountState, change: HoldChange): Balances {
  const held = account.balances.held + change.amount;
  if (held !== change.held) impossible(`account ${change.account} holds ${held}, its event says ${change.held}`);
  if (held < 0n) impossible(`account ${change.account} would hold ${held}`);
  return { posted: account.balances.posted, held };
}

/** The first debit of a new day resets the spending. */
function moved(
  account: AccountState,
  balances: Balances,
  leaves: Amount,
  day: SpentOn | null,
  by: Posting | HoldChange,
): AccountTotals {
  if (day === null || leaves <= 0n || account.limits.perDay === null)
    return { balances, day: account.day, spent: account.spent };
  const today = day(account, by);
  return { balances, day: today, spent: today === account.day ? account.spent + leaves : leaves };
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

/** Like `assert`, but formats its message only on failure. */
function impossible(message: string): never {
  throw new ImpossibleEvent(message);
}
