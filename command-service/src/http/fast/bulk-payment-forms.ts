import { holdsCardNumber, isAsciiSeparator, KEY_LENGTH_MAX } from "ledger-core/http";
import { NOT_PLAIN, plainStringEnd, QUOTE, standsAt } from "ledger-core/json-bytes";

/*
 * The field rules of the schema and of the payment reader, checked on the bytes of a string. Each form starts after the
 * opening quotation mark and returns the offset of the closing one, or NOT_PLAIN to fall back to the JSON parser.
 */

export type Form = (bytes: Uint8Array, at: number) => number;

const ACCOUNT = Buffer.from("acct_");
const ID_LENGTH = 31;
const CURRENCY_LENGTH = 3;
const REFERENCE_LENGTH_MAX = 140;
/** Integers of up to this many digits are exact. */
const EXACT_DIGITS = 15;
/** A text with this many digits, separated only by separators, may hold a card number. */
const CARD_DIGITS_MIN = 13;
const SPACE = 0x20;
const ZERO = 0x30;
const SEVEN = 0x37;
const NINE = 0x39;

const idCharacters = new Uint8Array(256);
for (const byte of Buffer.from("0123456789abcdefghjkmnpqrstvwxyz")) idCharacters[byte] = 1;

/** Matches exactly this text. */
export function literal(text: string): Form {
  const expected = Buffer.from(`${text}"`);
  return (bytes, at) => (standsAt(bytes, at, expected) ? at + text.length : NOT_PLAIN);
}

export function accountIdEnd(bytes: Uint8Array, at: number): number {
  const end = at + ID_LENGTH;
  let next = at + ACCOUNT.length;
  if (!standsAt(bytes, at, ACCOUNT) || (bytes[next] ?? QUOTE) > SEVEN) return NOT_PLAIN;
  while (next < end && idCharacters[bytes[next] ?? QUOTE] === 1) next++;
  return next === end && bytes[end] === QUOTE ? end : NOT_PLAIN;
}

/** Any three bytes; the currency is looked up later. */
export function currencyEnd(bytes: Uint8Array, at: number): number {
  const end = at + CURRENCY_LENGTH;
  return bytes[end] === QUOTE ? end : NOT_PLAIN;
}

export function keyEnd(bytes: Uint8Array, at: number): number {
  const end = plainStringEnd(bytes, at);
  if (end === at || end - at > KEY_LENGTH_MAX || bytes[at] === SPACE || bytes[end - 1] === SPACE) return NOT_PLAIN;
  return namesCard(bytes, at, end) ? NOT_PLAIN : end;
}

export function referenceEnd(bytes: Uint8Array, at: number): number {
  const end = plainStringEnd(bytes, at);
  if (end === at || end - at > REFERENCE_LENGTH_MAX || namesCard(bytes, at, end)) return NOT_PLAIN;
  return end;
}

/** Whether the printable ASCII between two offsets holds a card number. Decodes only texts with enough digits. */
function namesCard(bytes: Uint8Array, from: number, to: number): boolean {
  let digits = 0;
  for (let next = from; next < to; next++) {
    const byte = bytes[next] ?? QUOTE;
    if (!isDigit(byte)) digits = isAsciiSeparator(byte) ? digits : 0;
    else if (++digits === CARD_DIGITS_MIN)
      return holdsCardNumber(Buffer.from(bytes.subarray(from, to)).toString("latin1"));
  }
  return false;
}

/** Up to 15 digits, without a leading zero. */
export function amountEnd(bytes: Uint8Array, at: number): number {
  if (bytes[at] === ZERO) return NOT_PLAIN;
  let end = at;
  while (isDigit(bytes[end] ?? QUOTE)) end++;
  return bytes[end] === QUOTE && end > at && end - at <= EXACT_DIGITS ? end : NOT_PLAIN;
}

/** The amount whose digits lie between two offsets. */
export function amountAt(bytes: Uint8Array, from: number, to: number): bigint {
  let amount = 0;
  for (let at = from; at < to; at++) amount = amount * 10 + (bytes[at] ?? ZERO) - ZERO;
  return BigInt(amount);
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}
