import { assert } from "../domain/errors.ts";
import type { Origin, PaymentCharged, Posting } from "../domain/events.ts";
import type { AccountId } from "../domain/ids.ts";
import type { Amount, Currency } from "../domain/money.ts";
import { isEmptyMetadata, type Payment } from "../domain/payment.ts";
import type { BusinessDate } from "../domain/time.ts";
import { accountType, originShape } from "./fact-shapes.ts";
import { amount, asObject, branded, id, integer, type Json, Malformed, pairs, text } from "./shape.ts";

/*
 * The hot path's event, written by a template that omits what its type implies: a charge is captured in full, holds
 * nothing, was not refunded, does not expire, moves its amount from payer to payee, and has its command's tenant.
 * `balances` and `dates` are the payer's, then the payee's; `reference`, `metadata` and `fee` are omitted if empty.
 */

/** JSON text of a string; most are plain and need no escapes. */
function quote(value: string): string {
  return plain.test(value) ? `"${value}"` : JSON.stringify(value);
}
const plain = /^[ !#-[\]-~]*$/;

function quoteOrNull(value: string | null): string {
  return value === null ? "null" : quote(value);
}

export function writePaymentCharged(origin: Origin, fact: PaymentCharged): string {
  const { payment, postings } = fact;
  const [debit, credit] = postings;
  assert(debit && credit && isPlainCharge(origin, fact), `charge ${payment.id} is not a plain one`);
  const fee = payment.fee === 0n ? "" : `,"fee":"${payment.fee}"`;
  const reference = payment.reference === null ? "" : `,"reference":${quote(payment.reference)}`;
  const metadata = isEmptyMetadata(payment.metadata) ? "" : `,"metadata":${JSON.stringify(payment.metadata)}`;
  return (
    `{"origin":{"tenant":${quote(origin.tenant)},"sub":${quote(origin.sub)},"key":${quoteOrNull(origin.key)},` +
    `"print":${quoteOrNull(origin.print)}},"payment":"${payment.id}","payer":"${payment.payer}",` +
    `"payee":"${payment.payee}","payeeType":"${payment.payeeType}","amount":"${payment.amount}",` +
    `"currency":"${payment.currency}"${fee}${reference}${metadata},"createdAt":${payment.createdAt},` +
    `"balances":["${debit.balance}","${credit.balance}"],"dates":["${debit.date}","${credit.date}"]}`
  );
}

function isPlainCharge(origin: Origin, { payment, postings }: PaymentCharged): boolean {
  const [debit, credit] = postings;
  return (
    postings.length === 2 &&
    debit?.account === payment.payer &&
    credit?.account === payment.payee &&
    debit.amount === -payment.amount &&
    credit.amount === payment.amount &&
    payment.tenant === origin.tenant &&
    payment.captured === payment.amount &&
    payment.held === 0n &&
    payment.refunded === 0n &&
    payment.status === "captured" &&
    payment.capture === "automatic" &&
    payment.expiresAt === null &&
    payment.spentOn === null
  );
}

const paymentId = id("pay");
const accountId = id("acct");
const currencyCode = branded<Currency>();
const businessDay = branded<BusinessDate>();

export function readPaymentCharged(json: Json): { origin: Origin; fact: PaymentCharged } {
  const stored = asObject(json);
  const origin = originShape.read(stored.origin);
  const payer = accountId.read(stored.payer);
  const payee = accountId.read(stored.payee);
  const charged = amount.read(stored.amount);
  const payment: Payment = {
    id: paymentId.read(stored.payment),
    tenant: origin.tenant,
    payer,
    payee,
    payeeType: accountType.read(stored.payeeType),
    amount: charged,
    currency: currencyCode.read(stored.currency),
    status: "captured",
    captured: charged,
    refunded: 0n,
    held: 0n,
    fee: stored.fee === undefined ? 0n : amount.read(stored.fee),
    capture: "automatic",
    reference: stored.reference === undefined ? null : text.read(stored.reference),
    metadata: stored.metadata === undefined ? {} : pairs.read(stored.metadata),
    createdAt: integer.read(stored.createdAt),
    expiresAt: null,
    spentOn: null,
  };
  const { balances, dates } = stored;
  if (!Array.isArray(balances) || !Array.isArray(dates)) throw new Malformed("balances or dates are missing");
  const posting = (index: 0 | 1, account: AccountId, signed: Amount): Posting => ({
    account,
    amount: signed,
    balance: amount.read(balances[index]),
    date: businessDay.read(dates[index]),
  });
  const postings = [posting(0, payer, -charged), posting(1, payee, charged)];
  return { origin, fact: { type: "PaymentCharged", payment, postings } };
}
