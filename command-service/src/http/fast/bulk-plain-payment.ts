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

/** An item as the general way makes it of the same bytes. */
export type PlainPayment = {
  readonly kind: "command";
  readonly key: string;
  readonly command: MakePayment;
};

/** The index in `places` of the start of each field's value; its end is at the next index. */
const places = { payer: 0, payee: 2, amount: 4, currency: 6, reference: 8, key: 10, command: 12, capture: 14 } as const;
const required = [places.key, places.command, places.payer, places.payee, places.amount, places.currency];

/** The fields that a plain payment may have, each once, in the order of the places. */
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
 * The payment at `reading.at`, which then is behind it. Undefined, and nothing is read, for whatever is no plain
 * payment or has a
 * fault: what is wrong with it is for the general way to say.
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

/**
 * Finds the fields of an object. Answers the place behind it, or NOT_PLAIN when it is not one of a plain payment's
 * fields.
 */
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

/** The field whose name is at a place. A client writes them in one order, so that the guess is mostly right. */
function fieldAt(bytes: Uint8Array, at: number, guess: number): number {
  const guessed = fields[guess];
  if (guessed !== undefined && standsAt(bytes, at, guessed.name)) return guess;
  return fields.findIndex(({ name }) => standsAt(bytes, at, name));
}

/** The item's currency: most often the last item's, which is not looked up again. */
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
