import { Buffer } from "node:buffer";
import { type IdParts, idDigits } from "../../domain/ids.ts";
import type { Amount } from "../../domain/money.ts";
import { plainBytes, plainTextEnd, standsAt } from "../json-bytes.ts";

/** A position in bytes. On a mismatch, a reader leaves it unchanged. */
export type Cursor = { readonly bytes: Buffer; at: number };

const ID_BODY_LENGTH = 26;
/** Integers with this many digits are exact. */
const EXACT_DIGITS = 15;
const AMOUNT_DIGITS_MAX = 19;
const INTEGER_DIGITS_MAX = 16;
const NO_DIGIT = 255;
/** The value of a digit of an id, by its byte. */
const idDigitValues = new Uint8Array(256).fill(NO_DIGIT);
for (const [value, digit] of [...idDigits].entries()) idDigitValues[digit.charCodeAt(0)] = value;
const ZERO = 0x30;
const NINE = 0x39;
const MINUS = 0x2d;

/** Direct-mapped id cache; a collision evicts. */
const KNOWN_COUNT = 2 ** 14;
const known = new Array<string>(KNOWN_COUNT).fill("");

/** The last event's text at one place of the template. */
type LastText = { text: string };

/** A cursor at the first byte. */
export function openCursor(data: Uint8Array): Cursor {
  const bytes = Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return { bytes, at: 0 };
}

/** Skips `expected`; false if other bytes are there. */
export function take(cursor: Cursor, expected: Uint8Array): boolean {
  const { bytes, at } = cursor;
  if (!standsAt(bytes, at, expected)) return false;
  cursor.at = at + expected.length;
  return true;
}

/** Reads plain text up to the first byte that is not plain; the caller checks whether that ends the string. */
export function takeText(cursor: Cursor): string {
  const { bytes, at } = cursor;
  const end = plainTextEnd(bytes, at);
  cursor.at = end;
  return textOf(bytes, at, end);
}

/** Skips the same. */
export function skipText(cursor: Cursor): void {
  cursor.at = plainTextEnd(cursor.bytes, cursor.at);
}

/** As `takeText`, for a text that often repeats: compares with the last string, which costs less than making one. */
export function takeSameText(cursor: Cursor, last: LastText): string {
  const { bytes, at } = cursor;
  const { text } = last;
  const end = at + text.length;
  // The last text is plain. It is this one's whole if what follows is not.
  if (end < bytes.length && plainBytes[bytes[end] ?? 0] !== 1 && isText(bytes, at, text)) {
    cursor.at = end;
    return text;
  }
  last.text = takeText(cursor);
  return last.text;
}

/** Reads the id whose prefix of `prefixLength` characters ends here: any 26 plain characters, as the shape of an id. */
export function takeId(cursor: Cursor, prefixLength: number): string | undefined {
  const { bytes, at } = cursor;
  const end = at + ID_BODY_LENGTH;
  if (end > bytes.length) return undefined;
  for (let next = at; next < end; next++) if (plainBytes[bytes[next] ?? 0] !== 1) return undefined;
  cursor.at = end;
  return textOf(bytes, at - prefixLength, end);
}

/** As `takeId`, for an id that is likely to repeat. */
export function takeKnownId(cursor: Cursor, prefixLength: number): string | undefined {
  const { bytes, at } = cursor;
  const hash = plainHash(bytes, at);
  if (hash === undefined) return undefined;
  cursor.at = at + ID_BODY_LENGTH;
  return knownId(bytes, at - prefixLength, cursor.at, hash);
}

/** Takes an id whose prefix of `prefixLength` characters ends here, and gives the value that was made for it. */
export type IdMemo<Value> = (cursor: Cursor, prefixLength: number) => Value | undefined;

const MEMO_SLOTS = 2 ** 16;

/** Direct-mapped memo of what `make` returns for an id; a collision evicts. Compares bytes, and makes no string. */
export function makeIdMemo<Value>(make: (id: string) => Value): IdMemo<Value> {
  const bodies = new Uint8Array(MEMO_SLOTS * ID_BODY_LENGTH);
  const values = new Array<Value | undefined>(MEMO_SLOTS).fill(undefined);
  return (cursor, prefixLength) => {
    const { bytes, at } = cursor;
    const hash = plainHash(bytes, at);
    if (hash === undefined) return undefined;
    const slot = (hash ^ (hash >>> 16)) & (MEMO_SLOTS - 1);
    const start = slot * ID_BODY_LENGTH;
    cursor.at = at + ID_BODY_LENGTH;
    const known = values[slot];
    if (known !== undefined && isSame(bodies, start, bytes, at)) return known;
    const value = make(textOf(bytes, at - prefixLength, cursor.at));
    bodies.set(bytes.subarray(at, cursor.at), start);
    values[slot] = value;
    return value;
  };
}

/** Of the hash FNV-1a: ids differ in a few characters only, which a smaller factor would not keep apart. */
const FNV_PRIME = 0x01000193;

/** A hash of an id's characters behind its prefix; undefined if they are not all plain. */
function plainHash(bytes: Uint8Array, at: number): number | undefined {
  const end = at + ID_BODY_LENGTH;
  if (end > bytes.length) return undefined;
  let hash = 0;
  for (let next = at; next < end; next++) {
    const byte = bytes[next] ?? 0;
    if (plainBytes[byte] !== 1) return undefined;
    hash = Math.imul(hash ^ byte, FNV_PRIME);
  }
  return hash;
}

function isSame(one: Uint8Array, from: number, other: Uint8Array, at: number): boolean {
  for (let i = 0; i < ID_BODY_LENGTH; i++) if (one[from + i] !== other[at + i]) return false;
  return true;
}

/** Reads an amount as its shape does: `0`, or up to 19 digits without a leading zero, maybe with a minus sign. */
export function takeAmount(cursor: Cursor): Amount | undefined {
  const exact = takeExact(cursor);
  if (exact !== undefined) return BigInt(exact);
  const { bytes, at } = cursor;
  const negative = bytes[at] === MINUS;
  const start = negative ? at + 1 : at;
  const end = digitsEnd(bytes, start);
  const count = end - start;
  if (count === 0 || count > AMOUNT_DIGITS_MAX || (bytes[start] === ZERO && (negative || count > 1))) return undefined;
  cursor.at = end;
  return BigInt(textOf(bytes, at, end));
}

/** Reads a safe integer that is not negative. */
export function takeCount(cursor: Cursor): number | undefined {
  const { bytes, at } = cursor;
  const end = digitsEnd(bytes, at);
  const count = end - at;
  if (count === 0 || count > INTEGER_DIGITS_MAX || (bytes[at] === ZERO && count > 1)) return undefined;
  // Only the last digit can round, and never from an unsafe integer to a safe one.
  const value = numberOf(bytes, at, end);
  if (!Number.isSafeInteger(value)) return undefined;
  cursor.at = end;
  return value;
}

/** An amount that a number represents exactly, of at most 15 digits. */
export function takeExact(cursor: Cursor): number | undefined {
  const { bytes, at } = cursor;
  const negative = bytes[at] === MINUS;
  const start = negative ? at + 1 : at;
  const end = digitsEnd(bytes, start);
  const count = end - start;
  if (count === 0 || count > EXACT_DIGITS || (bytes[start] === ZERO && (negative || count > 1))) return undefined;
  cursor.at = end;
  const value = numberOf(bytes, start, end);
  return negative ? -value : value;
}

/** A day, `yyyy-mm-dd`, as the integer yyyymmdd. */
export function takeDay(cursor: Cursor): number | undefined {
  const { bytes, at } = cursor;
  if (digitsEnd(bytes, at) !== at + 4 || bytes[at + 4] !== MINUS) return undefined;
  if (digitsEnd(bytes, at + 5) !== at + 7 || bytes[at + 7] !== MINUS) return undefined;
  if (digitsEnd(bytes, at + 8) !== at + 10) return undefined;
  cursor.at = at + 10;
  return (
    numberOf(bytes, at, at + 4) * 10_000 + numberOf(bytes, at + 5, at + 7) * 100 + numberOf(bytes, at + 8, at + 10)
  );
}

/** The number in an id (`readNumber`) whose prefix ends here; undefined where a character is no digit of ids. */
export function takeIdNumber(cursor: Cursor): number | undefined {
  const { bytes, at } = cursor;
  const end = at + ID_BODY_LENGTH;
  if (end > bytes.length) return undefined;
  for (let next = at; next < end; next++) if (idDigitValues[bytes[next] ?? 0] === NO_DIGIT) return undefined;
  cursor.at = end;
  return fiveDigits(bytes, at + 10) * 2 ** 25 + fiveDigits(bytes, at + 15);
}

/** Takes an id whose prefix ends here as its parts (`readId`). False, and `into` is undefined, as in `takeIdNumber`. */
export function takeIdParts(cursor: Cursor, into: IdParts): boolean {
  const { bytes, at } = cursor;
  const end = at + ID_BODY_LENGTH;
  if (end > bytes.length) return false;
  for (let next = at; next < end; next++) if (idDigitValues[bytes[next] ?? 0] === NO_DIGIT) return false;
  cursor.at = end;
  const middle = fiveDigits(bytes, at + 10);
  into.timeMs = fiveDigits(bytes, at) * 2 ** 25 + fiveDigits(bytes, at + 5);
  into.shard = middle >>> 15;
  into.revision = (middle & 0x7fff) * 2 ** 25 + fiveDigits(bytes, at + 15);
  into.salt = saltAt(bytes, at);
  return true;
}

/** The salt in an id whose prefix ends at `at`. */
export function saltAt(bytes: Uint8Array, at: number): number {
  return fiveDigits(bytes, at + 20) * 32 + (idDigitValues[bytes[at + 25] ?? 0] ?? 0);
}

function fiveDigits(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let next = at; next < at + 5; next++) value = (value << 5) | (idDigitValues[bytes[next] ?? 0] ?? 0);
  return value;
}

/** Whether the 26 characters at `at` are those behind the prefix of an id. */
export function isBodyOf(id: string, bytes: Uint8Array, at: number): boolean {
  const start = id.length - ID_BODY_LENGTH;
  for (let i = 0; i < ID_BODY_LENGTH; i++) if (bytes[at + i] !== id.charCodeAt(start + i)) return false;
  return true;
}

function digitsEnd(bytes: Uint8Array, at: number): number {
  let end = at;
  for (; end < bytes.length; end++) {
    const byte = bytes[end] ?? 0;
    if (byte < ZERO || byte > NINE) break;
  }
  return end;
}

function numberOf(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) value = value * 10 + ((bytes[at] ?? ZERO) - ZERO);
  return value;
}

function knownId(bytes: Buffer, from: number, to: number, hash: number): string {
  const length = to - from;
  const slot = (hash ^ (hash >>> 16)) & (KNOWN_COUNT - 1);
  const last = known[slot] ?? "";
  if (last.length === length && isText(bytes, from, last)) return last;
  const text = textOf(bytes, from, to);
  known[slot] = text;
  return text;
}

function isText(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** Makes a new string: a slice would keep the whole event's text alive as long as the state keeps an id. */
function textOf(bytes: Buffer, from: number, to: number): string {
  return bytes.toString("latin1", from, to);
}
