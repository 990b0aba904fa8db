import type { Position, Revision, Shard } from "./position.ts";
import type { Micros } from "./time.ts";

type Id<Prefix extends string> = `${Prefix}_${string}` & { readonly __brand: Prefix };
export type AccountId = Id<"acct">;
export type PaymentId = Id<"pay">;
export type RefundId = Id<"rfd">;
export type TransferId = Id<"txf">;
export type TopUpId = Id<"top">;
export type PayoutId = Id<"pyt">;
export type EntryId = Id<"ent">;
export type EventId = Id<"evt">;
type BulkId = Id<"blk">;

type Prefixes = {
  acct: AccountId;
  pay: PaymentId;
  rfd: RefundId;
  txf: TransferId;
  top: TopUpId;
  pyt: PayoutId;
  ent: EntryId;
  evt: EventId;
  blk: BulkId;
};
export type IdPrefix = keyof Prefixes;

/** The digits of ids: Crockford base 32. */
export const idDigits = "0123456789abcdefghjkmnpqrstvwxyz";
const grammar = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;
/** Digit values by character code. */
const digits = new Uint8Array(128);
for (const [index, char] of [...idDigits].entries()) digits[char.charCodeAt(0)] = index;
const pairs = Array.from({ length: 1024 }, (_, n) => idDigits.charAt(n >> 5) + idDigits.charAt(n & 31));

/** A number of 5 × length bits as Crockford base 32, lower case, most significant character first. */
function encode(number: number, length: number): string {
  let text = "";
  let rest = number;
  for (let i = 0; i < length; i += 2) {
    text = pairs[rest % 1024] + text;
    rest = Math.floor(rest / 1024);
  }
  return text;
}

/** The number encoded by the characters from `from` up to `to`. */
function decode(text: string, from: number, to: number): number {
  let number = 0;
  for (let i = from; i < to; i++) number = number * 32 + (digits[text.charCodeAt(i)] ?? 0);
  return number;
}

let lastMs = Number.NaN;
let lastHigh = Number.NaN;
let lastSalt = Number.NaN;
let lastSaltText = "";
let lastShard = Number.NaN;
/** The part before the last ten bits of the revision. */
let lastFront = "";

/**
 * The 26 characters behind a prefix: 48 bits of time in milliseconds, 10 of shard, 40 of revision, 30 of salt. An
 * object has the characters of the event that made it, so its event is found by its id, and no index of ids is
 * needed. Each incarnation of a writer draws a new salt, so that a stale writer's event never has the id of
 * another's. The same bits are a UUID, for event stores that want one.
 */
export function idBody(at: Micros, position: Position, salt: number): string {
  const ms = Math.floor(at / 1000);
  const high = Math.floor(position.revision / 1024);
  if (ms !== lastMs || high !== lastHigh || position.shard !== lastShard) {
    lastMs = ms;
    lastHigh = high;
    lastShard = position.shard;
    lastFront = encode(ms, 10) + pairs[position.shard] + encode(high, 6);
  }
  if (salt !== lastSalt) {
    lastSalt = salt;
    lastSaltText = encode(salt, 6);
  }
  // Few pieces are cheap to join and to read.
  return lastFront + (pairs[position.revision % 1024] + lastSaltText);
}

/** An id of 26 characters under a prefix. */
export function makeId<P extends IdPrefix>(prefix: P, body: string): Prefixes[P] {
  return `${prefix}_${body}` as Prefixes[P];
}

/** The id of an event's nth posting as an entry. Derived from time, shard, revision and index, and never stored. */
export function entryId(at: Micros, position: Position, index: number): EntryId {
  return makeId("ent", idBody(at, position, index));
}

/** The same 26 characters with another prefix: from an object to the event that made it, or back. */
export function rebrand<P extends IdPrefix>(prefix: P, id: string): Prefixes[P] {
  return `${prefix}_${id.slice(-26)}` as Prefixes[P];
}

/** Parses an id with this prefix; undefined if malformed. */
export function parseId<P extends IdPrefix>(prefix: P, text: unknown): Prefixes[P] | undefined {
  if (typeof text !== "string" || text.length !== prefix.length + 27 || !text.startsWith(`${prefix}_`))
    return undefined;
  return grammar.test(text.slice(prefix.length + 1)) ? (text as Prefixes[P]) : undefined;
}

/** The fields encoded in an id. */
export type IdParts = { timeMs: number; shard: Shard; revision: Revision; salt: number };

/** The fields encoded in an id of any prefix. The salt of an entry is the index of its posting. */
export function readId(id: string): IdParts {
  const body = id.length - 26;
  return {
    timeMs: decode(id, body, body + 10),
    shard: decode(id, body + 10, body + 12),
    revision: decode(id, body + 12, body + 20),
    salt: decode(id, body + 20, body + 26),
  };
}

/** Shard and revision as an id holds them, in one number: shard × 2^40 + revision. */
export function readNumber(id: string): number {
  const body = id.length - 26;
  return decode(id, body + 10, body + 20);
}

/** The revision of the event that made the object with this id. */
export function readRevision(id: string): Revision {
  const body = id.length - 26;
  return decode(id, body + 12, body + 20);
}

/** The 16 bytes of an id; the first character is 0 to 7, so 26 characters are exactly 128 bits. */
export function idBytes(id: string): Uint8Array {
  const bytes = new Uint8Array(16);
  writeIdBytes(id, bytes, 0);
  return bytes;
}

/** Writes the 16 bytes of an id from `at` on. */
export function writeIdBytes(id: string, into: Uint8Array, at: number): void {
  const start = id.length - 26;
  let end = at;
  let rest = digits[id.charCodeAt(start)] ?? 0;
  let bits = 3;
  for (let i = 1; i < 26; i++) {
    rest = (rest << 5) | (digits[id.charCodeAt(start + i)] ?? 0);
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    into[end++] = rest >>> bits;
    rest &= (1 << bits) - 1;
  }
}

/** The id whose 16 bytes begin at `at`. */
export function idFromBytes<P extends IdPrefix>(prefix: P, bytes: Uint8Array, at = 0): Prefixes[P] {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 16);
  const timeMs = view.getUint32(0) * 2 ** 16 + view.getUint16(4);
  const middle = view.getUint32(6);
  const last = view.getUint32(12);
  const revisionHigh = Math.floor((middle % 2 ** 22) / 4);
  const revision =
    revisionHigh * 2 ** 20 + (middle % 4) * 2 ** 18 + view.getUint16(10) * 4 + Math.floor(last / 2 ** 30);
  const shard = Math.floor(middle / 2 ** 22);
  return makeId(prefix, idBody(timeMs * 1000, { shard, revision }, last % 2 ** 30));
}
