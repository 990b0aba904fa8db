import { type Fact, formatInstant } from "ledger-core";
import type { Pseudonyms } from "../pseudonyms.ts";

type Charge = Extract<Fact, { readonly type: "PaymentCharged" }>;

/**
 * The fast lane of `JSON.stringify(payloadOf(fact, names))` for a charge, by far the most events: one text without an
 * object in between. charge-payload.test.ts compares the two.
 */
export function chargePayload({ payment, postings }: Charge, names: Pseudonyms): string {
  const { amount, captured, refunded, held, fee, capture, status, expiresAt } = payment;
  const moved = postings.map(({ account, amount: sum, balance, date }) => {
    const name = names.of("account", account);
    return `{"account":"${name}","amount":"${sum}","balance":"${balance}","date":${quote(date)}}`;
  });
  return (
    `{"payment":{"id":"${payment.id}","payer":"${names.of("account", payment.payer)}",` +
    `"payee":"${names.of("account", payment.payee)}","payeeType":"${payment.payeeType}","amount":"${amount}",` +
    `"currency":${quote(payment.currency)},"status":"${status}","captured":"${captured}","refunded":"${refunded}",` +
    `"held":"${held}","fee":"${fee}","capture":"${capture}","createdAt":"${formatInstant(payment.createdAt)}",` +
    `"expiresAt":${expiresAt === null ? "null" : `"${formatInstant(expiresAt)}"`}},"postings":[${moved.join()}]}`
  );
}

const plain = /^[ !#-[\]-~]*$/;

function quote(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text);
}
