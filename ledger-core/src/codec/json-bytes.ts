/** Scans JSON in bytes, for hand-written readers: finds tokens and plain strings. */
export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const BACKSLASH = 0x5c;
export const BRACKET_OPEN = 0x5b;
export const BRACKET_CLOSE = 0x5d;
export const BRACE_OPEN = 0x7b;
export const BRACE_CLOSE = 0x7d;
const SPACE = 0x20;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const TAB = 0x09;

/** Returned instead of an offset if something is not plain. */
export const NOT_PLAIN = -1;

/** 1 for the bytes of a plain string: printable ASCII without quotation mark and backslash. */
export const plainBytes = new Uint8Array(256).fill(1, 0x20, 0x7f);
plainBytes[QUOTE] = 0;
plainBytes[BACKSLASH] = 0;

/** The first offset from `at` on without JSON white space. */
export function skipSpace(bytes: Uint8Array, at: number): number {
  let next = at;
  while (isSpace(bytes[next] ?? QUOTE)) next++;
  return next;
}

function isSpace(byte: number): boolean {
  return byte <= SPACE && (byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB);
}

/** The first offset from `at` on without a byte of a plain string. */
export function plainTextEnd(bytes: Uint8Array, at: number): number {
  let next = at;
  while (plainBytes[bytes[next] ?? 0] === 1) next++;
  return next;
}

/**
 * The closing quotation mark of the plain string whose text begins at `at`; NOT_PLAIN if it is not plain or has no end.
 */
export function plainStringEnd(bytes: Uint8Array, at: number): number {
  const end = plainTextEnd(bytes, at);
  return bytes[end] === QUOTE ? end : NOT_PLAIN;
}

/** Whether `expected` is at `at`. */
export function standsAt(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  const { length } = expected;
  if (at + length > bytes.length) return false;
  for (let i = 0; i < length; i++) if (bytes[at + i] !== expected[i]) return false;
  return true;
}

/** The start of a member's string, after its opening quotation mark; the member's name ends before `at`. */
export function stringValueStart(bytes: Uint8Array, at: number): number {
  const colon = skipSpace(bytes, at);
  if (bytes[colon] !== COLON) return NOT_PLAIN;
  const quote = skipSpace(bytes, colon + 1);
  return bytes[quote] === QUOTE ? quote + 1 : NOT_PLAIN;
}

/** The offset after the object at `at`, found by brackets only, at most `depthMax` deep. It need not be valid JSON. */
export function objectEnd(bytes: Uint8Array, at: number, depthMax: number): number {
  if (bytes[at] !== BRACE_OPEN) return NOT_PLAIN;
  let depth = 0;
  for (let next = at; next < bytes.length; next++) {
    const byte = bytes[next];
    if (byte === QUOTE) {
      next = stringEnd(bytes, next + 1);
    } else if (byte === BRACE_OPEN || byte === BRACKET_OPEN) {
      if (++depth > depthMax) return NOT_PLAIN;
    } else if (byte === BRACE_CLOSE || byte === BRACKET_CLOSE) {
      if (--depth === 0) return next + 1;
    }
  }
  return NOT_PLAIN;
}

/** The closing quotation mark of a string, or the end of the bytes. */
function stringEnd(bytes: Uint8Array, at: number): number {
  let next = at;
  while (next < bytes.length && bytes[next] !== QUOTE) next += bytes[next] === BACKSLASH ? 2 : 1;
  return next;
}
