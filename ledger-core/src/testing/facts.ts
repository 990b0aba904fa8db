import fc from "fast-check";
import { type Account, openableAccountTypes } from "../domain/account.ts";
import type { BulkFault, Fact, FactType, HoldChange, Origin, Posting } from "../domain/events.ts";
import { type IdPrefix, idBody, makeId } from "../domain/ids.ts";
import { AMOUNT_MAX, type Amount } from "../domain/money.ts";
import { type Payment, paymentStatuses } from "../domain/payment.ts";
import type { RejectionCode } from "../domain/rejections.ts";
import { businessDate } from "../domain/time.ts";
import { currencyOf } from "./examples.ts";

/*
 * Facts of every type with any content that the types allow, for property tests of codecs, stores and the wire. They
 * are well formed, but not consistent with each other. Only a charge is consistent in itself, since its type requires
 * it.
 */

const instant = fc.integer({ min: 0, max: 8_000_000_000_000_000 });
const text = fc.oneof(fc.string(), fc.string({ unit: "grapheme" }), fc.string({ unit: "binary" }));
const nullable = <T>(arb: fc.Arbitrary<T>) => fc.option(arb, { nil: null });
const positive: fc.Arbitrary<Amount> = fc.bigInt({ min: 1n, max: AMOUNT_MAX });
const balance: fc.Arbitrary<Amount> = fc.bigInt({ min: -AMOUNT_MAX, max: AMOUNT_MAX });
const currency = fc.constantFrom("HKD", "JPY", "KWD", "CZK").map(currencyOf);
const metadata = fc.dictionary(text, text, { maxKeys: 3 });
const date = instant.map((at) => businessDate(at, "UTC"));
const capture = fc.constantFrom("automatic", "manual");
const count = fc.nat({ max: 2 ** 31 - 1 });
const code = fc.constantFrom<RejectionCode[]>("insufficient_funds", "account_frozen", "payment_expired");
const accountType = fc.constantFrom(...openableAccountTypes, "clearing", "transit");

function id<P extends IdPrefix>(prefix: P) {
  const parts = fc.tuple(instant, fc.nat({ max: 1023 }), fc.nat({ max: 2 ** 40 - 1 }), fc.nat({ max: 2 ** 30 - 1 }));
  return parts.map(([at, shard, revision, salt]) => makeId(prefix, idBody(at, { shard, revision }, salt)));
}
const accountId = id("acct");

export const anyOrigin: fc.Arbitrary<Origin> = fc.record({
  tenant: text,
  sub: text,
  key: nullable(text),
  print: nullable(fc.stringMatching(/^[0-9a-f]{16}([0-9a-f]{16})?$/)),
});

const account: fc.Arbitrary<Account> = fc.record({
  id: accountId,
  tenant: text,
  type: accountType,
  currency,
  owner: text,
  displayName: nullable(text),
  timeZone: fc.constantFrom("UTC", "Asia/Hong_Kong", "America/Argentina/Buenos_Aires"),
  status: fc.constantFrom("open", "frozen", "closed"),
  limits: fc.record({ floor: nullable(balance), perTransaction: nullable(positive), perDay: nullable(positive) }),
  balances: fc.record({ posted: balance, held: positive }),
  openedAt: instant,
});

const payment: fc.Arbitrary<Payment> = fc.record({
  id: id("pay"),
  tenant: text,
  payer: accountId,
  payee: accountId,
  payeeType: accountType,
  amount: positive,
  currency,
  status: fc.constantFrom(...paymentStatuses),
  captured: positive,
  refunded: positive,
  held: positive,
  fee: positive,
  capture,
  reference: nullable(text),
  metadata,
  createdAt: instant,
  expiresAt: nullable(instant),
  spentOn: nullable(date),
});

const posting: fc.Arbitrary<Posting> = fc.record({ account: accountId, amount: balance, balance, date });
const postings = fc.array(fc.tuple(posting, posting), { maxLength: 3 }).map((pairs) => pairs.flat());
const hold: fc.Arbitrary<HoldChange> = fc.record({ account: accountId, amount: balance, held: positive });
const legs = fc.array(fc.record({ from: accountId, to: accountId, amount: positive }), { maxLength: 4 });
const bulkFault: fc.Arbitrary<BulkFault> = fc
  .record({
    code: text,
    detail: fc.oneof(
      text,
      accountId.map((of) => `There is no account ${of}.`),
    ),
    errors: fc.array(fc.record({ pointer: text, detail: text }), { maxLength: 2 }),
    more: fc.nat({ max: 3 }),
  })
  .map(({ more, ...fault }) => (more === 0 ? fault : { ...fault, more }));
/** Assigns each fault to some items. */
const outcomes = fc
  .record({
    faults: fc.uniqueArray(bulkFault, { maxLength: 4, selector: (fault) => JSON.stringify(fault) }),
    runs: fc.array(fc.record({ first: count, count: fc.integer({ min: 1, max: 10_000 }) }), { maxLength: 4 }),
  })
  .map(({ faults, runs }) => ({
    faults,
    outcomes: [...faults.map((_, fault) => ({ fault, count: 1 + fault })), ...runs],
  }));

const movement = { account: accountId, amount: positive, currency, rail: text };
const refusal = { code, detail: text };
const change = { account, reason: text };
const release = { payment, released: positive, sameDay: fc.boolean(), hold };

type FactOf<T extends FactType> = Extract<Fact, { readonly type: T }>;
const is = <T extends FactType>(type: T) => fc.constant(type);

/** The facts of an automatically captured payment, with any content. */
const charged: fc.Arbitrary<FactOf<"PaymentCharged">> = fc
  .tuple(payment, balance, balance, date, date, fc.constantFrom(0n, 25n))
  .map(([some, payerAfter, payeeAfter, payerDate, payeeDate, fee]) => ({
    type: "PaymentCharged",
    payment: {
      ...some,
      status: "captured",
      captured: some.amount,
      refunded: 0n,
      held: 0n,
      fee,
      capture: "automatic",
      expiresAt: null,
      spentOn: null,
    },
    postings: [
      { account: some.payer, amount: -some.amount, balance: payerAfter, date: payerDate },
      { account: some.payee, amount: some.amount, balance: payeeAfter, date: payeeDate },
    ],
  }));

/** An arbitrary per type of fact; a missing one does not compile. */
export const factsByType: { readonly [T in FactType]: fc.Arbitrary<FactOf<T>> } = {
  WriterEpochStarted: fc.record({ type: is("WriterEpochStarted"), epoch: count, salt: count }),
  AccountOpened: fc.record({ type: is("AccountOpened"), account, metadata }),
  AccountFrozen: fc.record({ type: is("AccountFrozen"), ...change }),
  AccountUnfrozen: fc.record({ type: is("AccountUnfrozen"), ...change }),
  AccountClosed: fc.record({ type: is("AccountClosed"), ...change }),
  TransferPosted: fc.record({
    type: is("TransferPosted"),
    transfer: id("txf"),
    legs,
    currency,
    reference: nullable(text),
    effectiveDate: nullable(date),
    metadata,
    postings,
    spentOn: nullable(fc.array(fc.record({ account: accountId, day: date }), { maxLength: 3 })),
  }),
  TopUpSettled: fc.record({
    type: is("TopUpSettled"),
    topUp: id("top"),
    ...movement,
    externalId: nullable(text),
    postings,
  }),
  PayoutSettled: fc.record({
    type: is("PayoutSettled"),
    payout: id("pyt"),
    ...movement,
    externalId: nullable(text),
    postings,
  }),
  PaymentCharged: charged,
  PaymentAuthorized: fc.record({ type: is("PaymentAuthorized"), payment, hold }),
  PaymentCaptured: fc.record({ type: is("PaymentCaptured"), amount: positive, ...release, postings }),
  PaymentVoided: fc.record({ type: is("PaymentVoided"), ...release }),
  PaymentExpired: fc.record({ type: is("PaymentExpired"), ...release }),
  PaymentRefunded: fc.record({
    type: is("PaymentRefunded"),
    refund: id("rfd"),
    payment,
    amount: positive,
    feeReturned: positive,
    reason: nullable(text),
    postings,
  }),
  AccountChangeDeclined: fc.record({
    type: is("AccountChangeDeclined"),
    ...refusal,
    change: fc.constantFrom("freeze", "unfreeze", "close"),
    account: accountId,
  }),
  TransferDeclined: fc.record({ type: is("TransferDeclined"), ...refusal, legs, currency }),
  TopUpDeclined: fc.record({ type: is("TopUpDeclined"), ...refusal, ...movement }),
  PayoutDeclined: fc.record({ type: is("PayoutDeclined"), ...refusal, ...movement }),
  PaymentDeclined: fc.record({
    type: is("PaymentDeclined"),
    ...refusal,
    payer: accountId,
    payee: accountId,
    amount: positive,
    currency,
    capture,
  }),
  CaptureDeclined: fc.record({
    type: is("CaptureDeclined"),
    ...refusal,
    payment: id("pay"),
    amount: nullable(positive),
  }),
  VoidDeclined: fc.record({ type: is("VoidDeclined"), ...refusal, payment: id("pay") }),
  RefundDeclined: fc.record({ type: is("RefundDeclined"), ...refusal, payment: id("pay"), amount: nullable(positive) }),
  BulkRecorded: fc
    .record({ type: is("BulkRecorded"), mode: fc.constantFrom("each", "atomic"), outcomes })
    .map(({ outcomes: some, ...fact }) => ({ ...fact, ...some })),
};

export const anyFact: fc.Arbitrary<Fact> = fc.oneof(...Object.values(factsByType));
