import { type Account, openableAccountTypes } from "../domain/account.ts";
import type { Leg } from "../domain/commands.ts";
import type { Fact, FactType, HoldChange, Origin, PaymentCharged, Posting, SpentDay } from "../domain/events.ts";
import type { Currency } from "../domain/money.ts";
import { type Payment, paymentStatuses } from "../domain/payment.ts";
import { type RejectionCode, rejections } from "../domain/rejections.ts";
import type { BusinessDate } from "../domain/time.ts";
import { bulkRecorded } from "./bulk-recorded.ts";
import { amount, branded, flag, id, integer, list, nullable, oneOf, pairs, record, type Shape, text } from "./shape.ts";

/**
 * The JSON shape of the current version of each fact. A changed shape is a new version with an upcaster and a fixture.
 */

const currency = branded<Currency>();
const date = branded<BusinessDate>();
const code = oneOf<RejectionCode>(...(Object.keys(rejections) as RejectionCode[]));
export const accountTypes = [...openableAccountTypes, "clearing", "transit"] as const;
export const accountType = oneOf(...accountTypes);
const capture = oneOf("automatic", "manual");
const money = { amount, currency };
const refusal = { code, detail: text };

export const originShape = record<Origin>({ tenant: text, sub: text, key: nullable(text), print: nullable(text) });

const account = record<Account>({
  id: id("acct"),
  tenant: text,
  type: accountType,
  currency,
  owner: text,
  displayName: nullable(text),
  timeZone: text,
  status: oneOf("open", "frozen", "closed"),
  limits: record({ floor: nullable(amount), perTransaction: nullable(amount), perDay: nullable(amount) }),
  balances: record({ posted: amount, held: amount }),
  openedAt: integer,
});

const payment = record<Payment>({
  id: id("pay"),
  tenant: text,
  payer: id("acct"),
  payee: id("acct"),
  payeeType: accountType,
  amount,
  currency,
  status: oneOf(...paymentStatuses),
  captured: amount,
  refunded: amount,
  held: amount,
  fee: amount,
  capture,
  reference: nullable(text),
  metadata: pairs,
  createdAt: integer,
  expiresAt: nullable(integer),
  spentOn: nullable(date),
});

const legs = list(record<Leg>({ from: id("acct"), to: id("acct"), amount }));
const postings = list(record<Posting>({ account: id("acct"), amount, balance: amount, date }));
const hold = record<HoldChange>({ account: id("acct"), amount, held: amount });

const movement = { account: id("acct"), ...money, rail: text };
const accountChange = record({ account, reason: text });
const released = { payment, released: amount, sameDay: flag, hold };

type BodyOf<T extends FactType> = Omit<Extract<Fact, { type: T }>, "type">;
type FactShapes = { readonly [T in Exclude<FactType, PaymentCharged["type"]>]: Shape<BodyOf<T>> };

/** Every fact but PaymentCharged, whose codec is written out for speed. */
export const factShapes: FactShapes = {
  WriterEpochStarted: record({ epoch: integer, salt: integer }),
  AccountOpened: record({ account, metadata: pairs }),
  AccountFrozen: accountChange,
  AccountUnfrozen: accountChange,
  AccountClosed: accountChange,
  TransferPosted: record<BodyOf<"TransferPosted">>({
    transfer: id("txf"),
    legs,
    currency,
    reference: nullable(text),
    effectiveDate: nullable(date),
    metadata: pairs,
    postings,
    spentOn: nullable(list(record<SpentDay>({ account: id("acct"), day: date }))),
  }),
  TopUpSettled: record({ topUp: id("top"), ...movement, externalId: nullable(text), postings }),
  PayoutSettled: record({ payout: id("pyt"), ...movement, externalId: nullable(text), postings }),
  PaymentAuthorized: record({ payment, hold }),
  PaymentCaptured: record({ payment, amount, released: amount, sameDay: flag, hold, postings }),
  PaymentVoided: record(released),
  PaymentExpired: record(released),
  PaymentRefunded: record({
    refund: id("rfd"),
    payment,
    amount,
    feeReturned: amount,
    reason: nullable(text),
    postings,
  }),
  AccountChangeDeclined: record({ ...refusal, change: oneOf("freeze", "unfreeze", "close"), account: id("acct") }),
  TransferDeclined: record({ ...refusal, legs, currency }),
  TopUpDeclined: record({ ...refusal, ...movement }),
  PayoutDeclined: record({ ...refusal, ...movement }),
  PaymentDeclined: record({ ...refusal, payer: id("acct"), payee: id("acct"), ...money, capture }),
  CaptureDeclined: record({ ...refusal, payment: id("pay"), amount: nullable(amount) }),
  VoidDeclined: record({ ...refusal, payment: id("pay") }),
  RefundDeclined: record({ ...refusal, payment: id("pay"), amount: nullable(amount) }),
  BulkRecorded: bulkRecorded,
};
