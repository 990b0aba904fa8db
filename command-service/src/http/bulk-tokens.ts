/** What the readers of plain bulks answer instead of a place when they meet something that is not plain. */
export const NOT_PLAIN = -1;

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const BRACKET_OPEN = 0x5b;
export const BRACKET_CLOSE = 0x5d;
export const BRACE_OPEN = 0x7b;
export const BRACE_CLOSE = 0x7d;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const TAB = 0x09;

/** 1 for the bytes of a plain string: printable ASCII but for what ends a string or begins an escape. */
const plainBytes = new Uint8Array(256).fill(1, 0x20, 0x7f);
plainBytes[QUOTE] = 0;
plainBytes[BACKSLASH] = 0;

/** The first place from `at` on where no white space of JSON stands. */
export function skipSpace(bytes: Uint8Array, at: number): number {
  let next = at;
  while (isSpace(bytes[next] ?? QUOTE)) next++;
  return next;
}

function isSpace(byte: number): boolean {
  return byte <= SPACE && (byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB);
}

/** The end of the plain string that begins at `at`, behind its opening quotation mark: the place of the closing one. */
export function plainStringEnd(bytes: Uint8Array, at: number): number {
  let next = at;
  while (plainBytes[bytes[next] ?? 0] === 1) next++;
  return bytes[next] === QUOTE ? next : NOT_PLAIN;
}

/** Whether these bytes stand at `at`. */
export function standsAt(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false;
  return true;
}

/** The value of a member whose name ends before `at`: the place behind the opening quotation mark of its string. */
export function stringValueStart(bytes: Uint8Array, at: number): number {
  const colon = skipSpace(bytes, at);
  if (bytes[colon] !== COLON) return NOT_PLAIN;
  const quote = skipSpace(bytes, colon + 1);
  return bytes[quote] === QUOTE ? quote + 1 : NOT_PLAIN;
}

/** The place behind the object at `at`, by its brackets alone, nested no deeper than `depthMax`. Whether it is JSON is not looked at. */
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

/** The closing quotation mark of any string, or the end of the bytes. */
function stringEnd(bytes: Uint8Array, at: number): number {
  let next = at;
  while (next < bytes.length && bytes[next] !== QUOTE) next += bytes[next] === BACKSLASH ? 2 : 1;
  return next;
}
