import {
  type AccountId,
  type Currency,
  type MakePayment,
  parseCurrency,
  paymentPlaces,
  plainPaymentPrint,
} from "ledger-core";
import { amountAt, isAccountId, isPlainReference, isText } from "./bulk-payment-forms.ts";
import {
  BRACE_CLOSE,
  BRACE_OPEN,
  COMMA,
  NOT_PLAIN,
  plainStringEnd,
  skipSpace,
  standsAt,
  stringValueStart,
} from "./bulk-tokens.ts";

/** An item as the general way makes it of the same bytes. */
export type PlainPayment = {
  readonly kind: "command";
  readonly key: string;
  readonly command: MakePayment;
  readonly print: string;
};

/** The fields of a plain payment, each at most once: where in the places its value begins; where it ends stands beside it. */
const fields = { ...paymentPlaces, key: 10, command: 12, capture: 14 } as const;
/** Their names on the wire, in the order of the places. */
const names = ["payer", "payee", "amount", "currency", "reference", "idempotencyKey", "command", "capture"].map(
  (name) => Buffer.from(`"${name}"`),
);
const FIRST_NAME = fields.key / 2;
/** No value begins at 0: a brace and a name stand before it. */
const ABSENT = 0;

const PAYMENT = Buffer.from("payment");
const AUTOMATIC = Buffer.from("automatic");
const KEY_LENGTH_MAX = 255;
const CURRENCY_LENGTH = 3;
const noMetadata = {};

/** How far a bulk's bytes are read, and what serves item after item. */
export type Reading = {
  readonly bytes: Buffer;
  at: number;
  readonly places: Int32Array;
  currency: Currency | undefined;
};

export function openReading(bytes: Buffer): Reading {
  return { bytes, at: 0, places: new Int32Array(2 * names.length), currency: undefined };
}

/**
 * The payment at `reading.at`, which then is behind it. Undefined, and nothing is read, for whatever is no plain payment or has a
 * fault: what is wrong with it is for the general way to say.
 */
export function readPlainPayment(reading: Reading): PlainPayment | undefined {
  const { bytes, at, places } = reading;
  const end = placeFields(bytes, at, places);
  if (end === NOT_PLAIN || !isPlainPayment(bytes, places)) return undefined;
  const amount = amountAt(bytes, from(places, fields.amount), to(places, fields.amount));
  const currency = currencyAt(reading);
  if (amount === undefined || currency === undefined) return undefined;
  reading.at = end;
  // One text an item: the slices of it that live on hold its few bytes, and not the whole body.
  const text = bytes.toString("latin1", at, end);
  const command: MakePayment = {
    type: "MakePayment",
    payer: textAt(text, at, places, fields.payer) as AccountId,
    payee: textAt(text, at, places, fields.payee) as AccountId,
    amount,
    currency,
    capture: "automatic",
    reference: from(places, fields.reference) === ABSENT ? null : textAt(text, at, places, fields.reference),
    expiresAt: null,
    metadata: noMetadata,
  };
  const key = textAt(text, at, places, fields.key);
  return { kind: "command", key, command, print: plainPaymentPrint(bytes, places) };
}

function from(places: Int32Array, field: number): number {
  return places[field] ?? ABSENT;
}

function to(places: Int32Array, field: number): number {
  return places[field + 1] ?? ABSENT;
}

function textAt(text: string, start: number, places: Int32Array, field: number): string {
  return text.slice(from(places, field) - start, to(places, field) - start);
}

/** Finds the values of an object's members, all of them plain strings under known names. Answers the place behind the object. */
function placeFields(bytes: Uint8Array, start: number, places: Int32Array): number {
  if (bytes[start] !== BRACE_OPEN) return NOT_PLAIN;
  for (let i = 0; i < places.length; i++) places[i] = ABSENT;
  let at = start;
  let nth = FIRST_NAME;
  do {
    at = skipSpace(bytes, at + 1);
    nth = nameAt(bytes, at, nth);
    if (nth === NOT_PLAIN || places[2 * nth] !== ABSENT) return NOT_PLAIN;
    const value = stringValueStart(bytes, at + (names[nth]?.length ?? 0));
    const end = value === NOT_PLAIN ? NOT_PLAIN : plainStringEnd(bytes, value);
    if (end === NOT_PLAIN) return NOT_PLAIN;
    places[2 * nth] = value;
    places[2 * nth + 1] = end;
    at = skipSpace(bytes, end + 1);
    nth++;
  } while (bytes[at] === COMMA);
  return bytes[at] === BRACE_CLOSE ? at + 1 : NOT_PLAIN;
}

/** Which name stands at a place. A client writes its fields in one order, so that the guess mostly holds. */
function nameAt(bytes: Uint8Array, at: number, guess: number): number {
  for (let i = 0; i < names.length; i++) {
    const nth = (guess + i) % names.length;
    const name = names[nth];
    if (name !== undefined && standsAt(bytes, at, name)) return nth;
  }
  return NOT_PLAIN;
}

/** Whether the fields are those of a payment that is captured at once, all but amount and currency. */
function isPlainPayment(bytes: Uint8Array, places: Int32Array): boolean {
  const keyLength = to(places, fields.key) - from(places, fields.key);
  return (
    keyLength > 0 &&
    keyLength <= KEY_LENGTH_MAX &&
    isText(bytes, from(places, fields.command), to(places, fields.command), PAYMENT) &&
    isAccountId(bytes, from(places, fields.payer), to(places, fields.payer)) &&
    isAccountId(bytes, from(places, fields.payee), to(places, fields.payee)) &&
    isPlainReference(bytes, from(places, fields.reference), to(places, fields.reference)) &&
    (from(places, fields.capture) === ABSENT ||
      isText(bytes, from(places, fields.capture), to(places, fields.capture), AUTOMATIC))
  );
}

/** The currency at its place: most often the last item's, which is not looked up again. */
function currencyAt(reading: Reading): Currency | undefined {
  const { bytes, places, currency: last = "" } = reading;
  const at = from(places, fields.currency);
  if (to(places, fields.currency) - at !== CURRENCY_LENGTH) return undefined;
  for (let i = 0; i < CURRENCY_LENGTH; i++) {
    if (bytes[at + i] === last.charCodeAt(i)) continue;
    reading.currency = parseCurrency(bytes.toString("latin1", at, at + CURRENCY_LENGTH));
    break;
  }
  return reading.currency;
}
