import {
  type Account,
  type Fact,
  formatInstant,
  type HoldChange,
  type Leg,
  type Payment,
  type Posting,
  unreachable,
} from "ledger-core";
import type { Pseudonyms } from "./pseudonyms.ts";

type Exported = { readonly [field: string]: string | number | boolean | null | readonly Exported[] | Exported };

/**
 * The fields of a fact that leave the ledger. This list is the whole of it: a field that is not named here is not
 * exported. Texts that people write (references, reasons, names, metadata, ids at the bank) never are, nor are the
 * keys and prints of commands; accounts and owners have pseudonyms; money is digits.
 */
export function payloadOf(fact: Fact, names: Pseudonyms): Exported {
  switch (fact.type) {
    case "WriterEpochStarted":
      return { epoch: fact.epoch };
    case "AccountOpened":
    case "AccountFrozen":
    case "AccountUnfrozen":
    case "AccountClosed":
      return { account: accountFields(fact.account, names) };
    case "TransferPosted": {
      const { transfer, legs, currency, effectiveDate } = fact;
      return { transfer, legs: legFields(legs, names), currency, effectiveDate, ...postingFields(fact, names) };
    }
    case "TopUpSettled":
      return { topUp: fact.topUp, ...railFields(fact, names), ...postingFields(fact, names) };
    case "PayoutSettled":
      return { payout: fact.payout, ...railFields(fact, names), ...postingFields(fact, names) };
    case "PaymentCharged":
      return { payment: paymentFields(fact.payment, names), ...postingFields(fact, names) };
    case "PaymentAuthorized":
      return { payment: paymentFields(fact.payment, names), hold: holdFields(fact.hold, names) };
    case "PaymentCaptured": {
      const { payment, amount, released, sameDay, hold } = fact;
      const change = { amount: `${amount}`, released: `${released}`, sameDay, hold: holdFields(hold, names) };
      return { payment: paymentFields(payment, names), ...change, ...postingFields(fact, names) };
    }
    case "PaymentVoided":
    case "PaymentExpired": {
      const { payment, released, sameDay, hold } = fact;
      return {
        ...{ payment: paymentFields(payment, names), released: `${released}`, sameDay },
        hold: holdFields(hold, names),
      };
    }
    case "PaymentRefunded": {
      const { refund, payment, amount, feeReturned } = fact;
      const change = { refund, amount: `${amount}`, feeReturned: `${feeReturned}` };
      return { payment: paymentFields(payment, names), ...change, ...postingFields(fact, names) };
    }
    case "BulkRecorded":
      return { mode: fact.mode, items: fact.outcomes.reduce((items, { count }) => items + count, 0) };
    default:
      return refusalFields(fact, names);
  }
}

type Refusal = Extract<Fact, { readonly code: string }>;

function refusalFields(fact: Refusal, names: Pseudonyms): Exported {
  const { code } = fact;
  switch (fact.type) {
    case "AccountChangeDeclined":
      return { code, change: fact.change, account: names.of("account", fact.account) };
    case "TransferDeclined":
      return { code, legs: legFields(fact.legs, names), currency: fact.currency };
    case "TopUpDeclined":
    case "PayoutDeclined":
      return { code, ...railFields(fact, names) };
    case "PaymentDeclined": {
      const { payer, payee, amount, currency, capture } = fact;
      const parties = { payer: names.of("account", payer), payee: names.of("account", payee) };
      return { code, ...parties, amount: `${amount}`, currency, capture };
    }
    case "CaptureDeclined":
    case "RefundDeclined":
      return { code, payment: fact.payment, amount: fact.amount === null ? null : `${fact.amount}` };
    case "VoidDeclined":
      return { code, payment: fact.payment };
    default:
      return unreachable(fact);
  }
}

function accountFields(account: Account, names: Pseudonyms): Exported {
  const { id, type, currency, owner, timeZone, status, limits, balances, openedAt } = account;
  return {
    ...{ id: names.of("account", id), type, currency, owner: names.of("owner", owner), timeZone, status },
    ...{ floor: digits(limits.floor), perTransaction: digits(limits.perTransaction), perDay: digits(limits.perDay) },
    ...{ posted: `${balances.posted}`, held: `${balances.held}`, openedAt: formatInstant(openedAt) },
  };
}

function paymentFields(payment: Payment, names: Pseudonyms): Exported {
  const { id, payer, payee, payeeType, amount, currency, status, captured, refunded, held, fee, capture } = payment;
  const { createdAt, expiresAt } = payment;
  return {
    ...{ id, payer: names.of("account", payer), payee: names.of("account", payee), payeeType },
    ...{ amount: `${amount}`, currency, status, captured: `${captured}`, refunded: `${refunded}` },
    ...{ held: `${held}`, fee: `${fee}`, capture, createdAt: formatInstant(createdAt) },
    expiresAt: expiresAt === null ? null : formatInstant(expiresAt),
  };
}

function railFields(
  { account, amount, currency, rail }: Extract<Fact, { readonly rail: string }>,
  names: Pseudonyms,
): Exported {
  return { account: names.of("account", account), amount: `${amount}`, currency, rail };
}

function postingFields({ postings }: { readonly postings: readonly Posting[] }, names: Pseudonyms): Exported {
  return {
    postings: postings.map(({ account, amount, balance, date }) => ({
      ...{ account: names.of("account", account), amount: `${amount}`, balance: `${balance}`, date },
    })),
  };
}

function legFields(legs: readonly Leg[], names: Pseudonyms): readonly Exported[] {
  return legs.map(({ from, to, amount }) => ({
    ...{ from: names.of("account", from), to: names.of("account", to), amount: `${amount}` },
  }));
}

function holdFields({ account, amount, held }: HoldChange, names: Pseudonyms): Exported {
  return { account: names.of("account", account), amount: `${amount}`, held: `${held}` };
}

function digits(amount: bigint | null): string | null {
  return amount === null ? null : `${amount}`;
}
