import { type AccountId, type Currency, type MakePayment, parseCurrency } from "ledger-core";
import {
  BRACE_CLOSE,
  BRACE_OPEN,
  COMMA,
  NOT_PLAIN,
  skipSpace,
  standsAt,
  stringValueStart,
} from "ledger-core/json-bytes";
import {
  accountIdEnd,
  amountAt,
  amountEnd,
  currencyEnd,
  type Form,
  keyEnd,
  literal,
  referenceEnd,
} from "./bulk-payment-forms.ts";
import { ABSENT, endOf, type Reading, startOf, textOf } from "./bulk-reading.ts";

/** The same item that the JSON parser's path would make of these bytes. */
export type PlainPayment = {
  readonly kind: "command";
  readonly key: string;
  readonly command: MakePayment;
};

/** Index into `places` of the start of each field's value; its end is at the next index. */
const places = { payer: 0, payee: 2, amount: 4, currency: 6, reference: 8, key: 10, command: 12, capture: 14 } as const;
const required = [places.key, places.command, places.payer, places.payee, places.amount, places.currency];

/** The fields of a plain payment, each at most once, in the order of `places`. */
const fields = [
  field("payer", accountIdEnd),
  field("payee", accountIdEnd),
  field("amount", amountEnd),
  field("currency", currencyEnd),
  field("reference", referenceEnd),
  field("idempotencyKey", keyEnd),
  field("command", literal("payment")),
  field("capture", literal("automatic")),
];
export const FIELD_COUNT = fields.length;
const FIRST_FIELD = places.key / 2;
const noMetadata = {};

function field(name: string, end: Form) {
  return { name: Buffer.from(`"${name}"`), end };
}

/**
 * Reads the payment at `reading.at` and advances past it. Returns undefined, without advancing, for anything that is
 * not a plain payment or has a fault; the JSON parser's path then reports the fault.
 */
export function readPlainPayment(reading: Reading): PlainPayment | undefined {
  const { bytes } = reading;
  const end = placeFields(reading);
  const currency = end === NOT_PLAIN ? undefined : currencyOf(reading);
  if (currency === undefined) return undefined;
  reading.at = end;
  const key = textOf(reading, places.key);
  const command: MakePayment = {
    type: "MakePayment",
    payer: textOf(reading, places.payer) as AccountId,
    payee: textOf(reading, places.payee) as AccountId,
    amount: amountAt(bytes, startOf(reading, places.amount), endOf(reading, places.amount)),
    currency,
    capture: "automatic",
    reference: startOf(reading, places.reference) === ABSENT ? null : textOf(reading, places.reference),
    expiresAt: null,
    metadata: noMetadata,
  };
  return { kind: "command", key, command };
}

/** Locates the fields of an object. Returns the offset after it, or NOT_PLAIN if it is not a plain payment. */
function placeFields(reading: Reading): number {
  const { bytes, places: found } = reading;
  let at = reading.at;
  if (bytes[at] !== BRACE_OPEN) return NOT_PLAIN;
  for (let i = 0; i < found.length; i++) found[i] = ABSENT;
  let nth = FIRST_FIELD;
  do {
    at = skipSpace(bytes, at + 1);
    nth = fieldAt(bytes, at, nth);
    const field = fields[nth];
    if (field === undefined || found[2 * nth] !== ABSENT) return NOT_PLAIN;
    const value = stringValueStart(bytes, at + field.name.length);
    const end = value === NOT_PLAIN ? NOT_PLAIN : field.end(bytes, value);
    if (end === NOT_PLAIN) return NOT_PLAIN;
    found[2 * nth] = value;
    found[2 * nth + 1] = end;
    at = skipSpace(bytes, end + 1);
    nth++;
  } while (bytes[at] === COMMA);
  for (const place of required) if (found[place] === ABSENT) return NOT_PLAIN;
  return bytes[at] === BRACE_CLOSE ? at + 1 : NOT_PLAIN;
}

/** Finds the field named at an offset. Clients write fields in one order, so the guess is usually right. */
function fieldAt(bytes: Uint8Array, at: number, guess: number): number {
  const guessed = fields[guess];
  if (guessed !== undefined && standsAt(bytes, at, guessed.name)) return guess;
  return fields.findIndex(({ name }) => standsAt(bytes, at, name));
}

/** The item's currency; not looked up again if it equals the last item's. */
function currencyOf(reading: Reading): Currency | undefined {
  const { bytes, currency: last = "" } = reading;
  const start = startOf(reading, places.currency);
  for (let at = start; at < endOf(reading, places.currency); at++) {
    if (bytes[at] === last.charCodeAt(at - start)) continue;
    reading.currency = parseCurrency(textOf(reading, places.currency));
    break;
  }
  return reading.currency;
}
