import { Buffer } from "node:buffer";
import { formatInstant } from "ledger-core";
import type { TextWriter } from "../../delta/columns.ts";
import { type Charge, TEXTS_MOST } from "./charge.ts";

const ID = Buffer.from('{"payment":{"id":"');
const PAYER = Buffer.from('","payer":"');
const PAYEE = Buffer.from('","payee":"');
const PAYEE_TYPE = Buffer.from('","payeeType":"');
const AMOUNT = Buffer.from('","amount":"');
const CURRENCY = Buffer.from('","currency":"');
const CAPTURED = Buffer.from('","status":"captured","captured":"');
const CREATED_AT = Buffer.from('","refunded":"0","held":"0","fee":"0","capture":"automatic","createdAt":"');
const POSTINGS = Buffer.from('","expiresAt":null},"postings":[{"account":"');
const BALANCE = Buffer.from('","balance":"');
const DATE = Buffer.from('","date":"');
const NEXT = Buffer.from('"},{"account":"');
const END = Buffer.from('"}]}');

/** More than the template with its ids and numbers takes. */
const TEMPLATE_MOST = 800;
/**
 * The fast lane of `JSON.stringify(payloadOf(fact, names))` for a plain charge: bytes, without a text or an object in
 * between. Its texts need no escapes. charges.test.ts compares the two.
 */
export const chargePayload: TextWriter<Charge> = {
  most: TEMPLATE_MOST + TEXTS_MOST,
  write({ stored, fields, paymentId }, into, from) {
    const { payer, payee, amount } = fields;
    let at = text(into, paymentId, copy(into, ID, from));
    at = text(into, payer, copy(into, PAYER, at));
    at = text(into, payee, copy(into, PAYEE, at));
    at = text(into, fields.payeeType, copy(into, PAYEE_TYPE, at));
    at = text(into, `${amount}`, copy(into, AMOUNT, at));
    at = text(into, fields.currency, copy(into, CURRENCY, at));
    at = text(into, `${amount}`, copy(into, CAPTURED, at));
    at = text(into, formatInstant(stored.at), copy(into, CREATED_AT, at));
    at = text(into, payer, copy(into, POSTINGS, at));
    at = text(into, `${-amount}`, copy(into, AMOUNT, at));
    at = text(into, `${fields.payerBalance}`, copy(into, BALANCE, at));
    at = text(into, fields.payerDate, copy(into, DATE, at));
    at = text(into, payee, copy(into, NEXT, at));
    at = text(into, `${amount}`, copy(into, AMOUNT, at));
    at = text(into, `${fields.payeeBalance}`, copy(into, BALANCE, at));
    at = text(into, fields.payeeDate, copy(into, DATE, at));
    return copy(into, END, at);
  },
};

/** In the place of short copies a loop is faster than a call of the native one. */
function copy(into: Uint8Array, bytes: Uint8Array, at: number): number {
  const { length } = bytes;
  for (let i = 0; i < length; i++) into[at + i] = bytes[i] ?? 0;
  return at + length;
}

function text(into: Uint8Array, value: string, at: number): number {
  const { length } = value;
  for (let i = 0; i < length; i++) into[at + i] = value.charCodeAt(i);
  return at + length;
}
