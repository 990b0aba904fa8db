import {
  type Account,
  type AccountId,
  type Fact,
  type LedgerEvent,
  type Micros,
  type Payment,
  type Posting,
  rebrand,
} from "ledger-core";
import { type AuditBooks, book, dayOf, giveBack, type PaymentBook, spend, statusOf } from "./books.ts";
import type { ExpectedOutcome, Move } from "./grounds.ts";
import { mustHold, Violation } from "./violation.ts";

/** Enters an event in the books and checks that its balances agree with them. */
export function enter(books: AuditBooks, { id: event, fact, at, origin }: LedgerEvent): void {
  switch (fact.type) {
    case "AccountOpened":
      enterAccount(books, fact.account, origin.tenant);
      return;
    case "AccountFrozen":
    case "AccountUnfrozen":
    case "AccountClosed": {
      const account = books.accounts.get(fact.account.id);
      if (!account) throw new Violation("4 balance", `${fact.account.id} was never opened`);
      account.status = fact.type === "AccountFrozen" ? "frozen" : fact.type === "AccountClosed" ? "closed" : "open";
      const { balances, status } = fact.account;
      const same = balances.posted === account.posted && balances.held === account.held && status === account.status;
      mustHold(same, "4 balance", () => `${account.id} is not as its event says`);
      return;
    }
    case "TransferPosted":
      book(books, fact.postings, at, fact.effectiveDate);
      return;
    case "TopUpSettled":
    case "PayoutSettled":
      book(books, fact.postings, at, null);
      return;
    case "PaymentCharged":
      enterPayment(books, fact.payment, at);
      book(books, fact.postings, at, null);
      return;
    case "PaymentAuthorized":
      enterPayment(books, fact.payment, at);
      enterHold(books, fact);
      return;
    case "PaymentCaptured": {
      const payment = known(books, fact.payment);
      payment.captured += fact.amount;
      payment.held -= fact.amount + fact.released;
      enterHold(books, fact);
      enterRelease(books, payment, fact, at);
      book(books, fact.postings, at, null);
      compare(payment, fact.payment);
      return;
    }
    case "PaymentVoided":
    case "PaymentExpired": {
      const payment = known(books, fact.payment);
      payment.held = 0n;
      payment.ended = fact.type === "PaymentVoided" ? "voided" : "expired";
      enterHold(books, fact);
      enterRelease(books, payment, fact, at);
      compare(payment, fact.payment);
      return;
    }
    case "PaymentRefunded": {
      const payment = known(books, fact.payment);
      payment.refunded += fact.amount;
      book(books, fact.postings, at, null);
      compare(payment, fact.payment);
      return;
    }
    case "PaymentDeclined":
      books.declined.push(rebrand("pay", event));
      return;
    default:
      return;
  }
}

function enterAccount(books: AuditBooks, account: Account, ofOrigin: string): void {
  const { id, tenant, timeZone: zone, type, currency, owner, limits, balances } = account;
  mustHold(balances.posted === 0n && balances.held === 0n, "4 balance", () => `${id} is opened with money in it`);
  mustHold(!books.accounts.has(id), "5 one id, one object", () => `${id} is opened twice`);
  mustHold(tenant === ofOrigin, "15 tenants apart", () => `${id} is opened in another tenant`);
  const blank = { status: "open", posted: 0n, held: 0n, day: "", spent: 0n } as const;
  books.accounts.set(id, { id, tenant, type, currency, owner, zone, limits, ...blank });
  if (type === "clearing") books.clearing.set(`${tenant}/${owner.slice("rail:".length)}/${currency}`, id);
}

function enterPayment(books: AuditBooks, payment: Payment, at: Micros): void {
  const { id, tenant, payer, payee, amount, expiresAt, captured, refunded, held } = payment;
  mustHold(!books.payments.has(id), "5 one id, one object", () => `${id} is made twice`);
  const account = books.accounts.get(payer);
  const day = account ? dayOf(at, account.zone) : "";
  const book = { id, tenant, payer, payee, amount, expiresAt, captured, refunded, held, ended: null, day };
  books.payments.set(id, book);
  const spentOn = held > 0n && account?.limits.perDay != null ? day : null;
  mustHold(payment.spentOn === spentOn, "4 limits", () => `${id} counts for ${payment.spentOn}, should for ${spentOn}`);
}

function enterRelease(
  books: AuditBooks,
  payment: PaymentBook,
  { released, sameDay }: Extract<Fact, { sameDay: boolean }>,
  at: Micros,
): void {
  const given = giveBack(books, payment, released, at);
  const what = () => `of ${payment.id}, ${released} is ${given ? "" : "not "}to be given back to ${payment.day}`;
  mustHold(given === sameDay, "4 limits", what);
}

function known(books: AuditBooks, { id }: Payment): PaymentBook {
  const payment = books.payments.get(id);
  if (!payment) throw new Error(`payment ${id} has an event before it was made`);
  return payment;
}

/** Every event of a payment carries the whole payment, which must agree with the books. */
function compare(book: PaymentBook, payment: Payment): void {
  const { captured, refunded, held } = book;
  const sane = captured + held <= book.amount && refunded <= captured && held >= 0n;
  mustHold(
    sane,
    "4 limits",
    () => `of payment ${book.id} over ${book.amount}: captured ${captured}, refunded ${refunded}`,
  );
  const same = payment.captured === captured && payment.refunded === refunded && payment.held === held;
  mustHold(same, "4 payment", () => `payment ${book.id} is not what its events come to`);
  mustHold(
    payment.status === statusOf(book),
    "4 payment",
    () => `payment ${book.id} is called ${payment.status}, and is ${statusOf(book)}`,
  );
}

function enterHold(books: AuditBooks, { hold: change }: Extract<Fact, { hold: unknown }>): void {
  const account = books.accounts.get(change.account);
  if (!account) throw new Violation("4 balance", "a hold on an account that was never opened");
  account.held += change.amount;
  mustHold(
    account.held === change.held && account.held >= 0n,
    "4 holds",
    () => `${account.id} holds ${account.held}, its event says ${change.held}`,
  );
}

/** How an event differs from its command's expected outcome; undefined if it does not. */
export function difference(fact: Fact, expected: ExpectedOutcome): string | undefined {
  if ("code" in fact) {
    if (expected.kind === "accepted") return `refused with ${fact.code} without a reason`;
    if (expected.recorded && expected.codes.includes(fact.code)) return undefined;
    return `refused with ${fact.code}, should be ${expected.codes.join(" or ")}`;
  }
  if (expected.kind === "refused") return `${fact.type} though it should be refused: ${expected.codes.join(", ")}`;
  if (fact.type !== expected.type) return `${fact.type} instead of ${expected.type}`;
  const moved = "postings" in fact ? fact.postings : [];
  if (!sameMoves(moved, expected.moves)) return `${fact.type} moves ${text(moved)}, should move ${expected.moves}`;
  const held = "hold" in fact ? fact.hold : null;
  const sameHold = held?.amount === expected.hold?.[1] && (held === null || held.account === expected.hold?.[0]);
  return sameHold ? undefined : `${fact.type} holds ${held?.amount ?? 0n}, should hold ${expected.hold?.[1] ?? 0n}`;
}

function sameMoves(postings: readonly Posting[], moves: readonly Move[]): boolean {
  return (
    postings.length === moves.length &&
    postings.every(({ account, amount }, index) => moves[index]?.[0] === account && moves[index]?.[1] === amount)
  );
}

function text(postings: readonly Posting[]): string {
  return postings.map(({ account, amount }) => `${account},${amount}`).join();
}

/** Counts an accepted command against the daily ceilings. */
export function spendAll(books: AuditBooks, spends: readonly (readonly [AccountId, bigint])[], at: number): void {
  for (const [id, amount] of spends) {
    const account = books.accounts.get(id);
    if (account && account.limits.perDay !== null) spend(account, amount, at);
  }
}
