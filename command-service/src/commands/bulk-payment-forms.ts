import { standsAt } from "./bulk-tokens.ts";

/*
 * What the schema and the reader of payments ask of single fields, asked of a plain string's bytes, `from` its first one up to
 * the one behind its last, `to`. Where these are stricter, the general way has the word.
 */

const ACCOUNT = Buffer.from("acct_");
const ID_BODY_LENGTH = 26;
const REFERENCE_LENGTH_MAX = 140;
/** Whole numbers of so many digits are exact. */
const EXACT_DIGITS = 15;
/** A text with as many digits may hold a card number. */
const CARD_DIGITS_MIN = 13;
const ZERO = 0x30;
const SEVEN = 0x37;
const NINE = 0x39;

const idCharacters = new Uint8Array(256);
for (const byte of Buffer.from("0123456789abcdefghjkmnpqrstvwxyz")) idCharacters[byte] = 1;

export function isText(bytes: Uint8Array, from: number, to: number, text: Uint8Array): boolean {
  return to - from === text.length && standsAt(bytes, from, text);
}

export function isAccountId(bytes: Uint8Array, from: number, to: number): boolean {
  const body = from + ACCOUNT.length;
  if (to - body !== ID_BODY_LENGTH || !standsAt(bytes, from, ACCOUNT) || (bytes[body] ?? 0) > SEVEN) return false;
  let known = 0;
  for (let at = body; at < to; at++) known += idCharacters[bytes[at] ?? 0] ?? 0;
  return known === ID_BODY_LENGTH;
}

/** Whether a plain text is short enough for a reference and has too few digits for a card number. */
export function isPlainReference(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from > REFERENCE_LENGTH_MAX) return false;
  let digits = 0;
  for (let at = from; at < to; at++) if (isDigit(bytes[at] ?? 0)) digits++;
  return digits < CARD_DIGITS_MIN;
}

/** An amount of up to 15 digits, without a leading zero. */
export function amountAt(bytes: Uint8Array, from: number, to: number): bigint | undefined {
  if (to === from || to - from > EXACT_DIGITS || bytes[from] === ZERO) return undefined;
  let amount = 0;
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0;
    if (!isDigit(byte)) return undefined;
    amount = amount * 10 + byte - ZERO;
  }
  return BigInt(amount);
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}
