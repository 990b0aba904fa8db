import type { ClientCommand, MakePayment } from "./commands.ts";
import { copyLanes, hashOf, hexOf, type Lanes, mixBytes, mixLineBreak, mixText, openLanes } from "./hash-lanes.ts";

/**
 * 64 bits of a text in two words: fast enough for every command of the hot path. Not cryptographic: it tells a repeated command
 * from another one of the same client and finds a key's place on disk, where the whole key is compared.
 */
export function hash64(text: string, seed = 0): { readonly high: number; readonly low: number } {
  const lanes = openLanes(seed);
  mixText(lanes, text);
  return hashOf(lanes);
}

/** The text that stands for an idempotency key in its scope. */
export function scopedKey(tenant: string, sub: string, key: string): string {
  return `${tenant}\n${sub}\n${key}`;
}

let lastTenant = "";
let lastSub = "";
let lastScope = scopeOf("", "");

/** `hash64(scopedKey(tenant, sub, key))` without that text; what comes before the key is kept for the same caller's next one. */
export function hashKey(tenant: string, sub: string, key: string): { readonly high: number; readonly low: number } {
  if (tenant !== lastTenant || sub !== lastSub) {
    lastScope = scopeOf(tenant, sub);
    lastTenant = tenant;
    lastSub = sub;
  }
  const lanes = copyLanes(lastScope);
  mixText(lanes, key);
  return hashOf(lanes);
}

function scopeOf(tenant: string, sub: string): Lanes {
  const lanes = openLanes();
  mixText(lanes, scopedKey(tenant, sub, ""));
  return lanes;
}

/**
 * 16 hex digits that are equal for equal commands: defaults filled in, metadata in any order. Commands of one type come from one
 * parser, which gives their fields one order.
 */
export function fingerprint(command: ClientCommand): string {
  return command.type === "MakePayment" ? paymentPrint(command) : printOf(Object.values(command));
}

/** The same for any values of JSON, and amounts: equal for equal ones, with the fields of objects in any order. */
export function printOf(values: readonly unknown[]): string {
  const lanes = openLanes();
  for (const value of values) {
    mixText(lanes, canonical(value));
    mixLineBreak(lanes);
  }
  return hexOf(lanes);
}

const paymentStart = openLanes();
mixText(paymentStart, "MakePayment\n");
const AUTOMATIC = "\nautomatic\nnull\n";

/** The same for the hot path's command, piece by piece. Ids, codes and amounts hold no line break, and free text bears its length. */
function paymentPrint({
  payer,
  payee,
  amount,
  currency,
  capture,
  expiresAt,
  reference,
  metadata,
}: MakePayment): string {
  const lanes = copyLanes(paymentStart);
  mixText(lanes, payer);
  mixLineBreak(lanes);
  mixText(lanes, payee);
  mixLineBreak(lanes);
  mixText(lanes, amount.toString());
  mixLineBreak(lanes);
  mixText(lanes, currency);
  mixText(lanes, capture === "automatic" && expiresAt === null ? AUTOMATIC : `\n${capture}\n${expiresAt}\n`);
  mixText(lanes, canonical(reference));
  mixText(lanes, isEmpty(metadata) ? "\n{}\n" : `\n${canonical(metadata)}\n`);
  return hexOf(lanes);
}

/** Where a plain payment's fields stand in the bytes of a request: the index of each one's first byte, beside that of the byte behind its last. */
export const paymentPlaces = { payer: 0, payee: 2, amount: 4, currency: 6, reference: 8 } as const;

/**
 * The fingerprint of a payment that is captured at once and has no metadata, from the ASCII bytes that its fields are in.
 * Bytes are read at half the cost of texts. A reference that begins at 0 is none.
 */
export function plainPaymentPrint(bytes: Uint8Array, places: Int32Array): string {
  const lanes = copyLanes(paymentStart);
  const { payer, payee, amount, currency, reference } = paymentPlaces;
  mixPlace(lanes, bytes, places, payer);
  mixLineBreak(lanes);
  mixPlace(lanes, bytes, places, payee);
  mixLineBreak(lanes);
  mixPlace(lanes, bytes, places, amount);
  mixLineBreak(lanes);
  mixPlace(lanes, bytes, places, currency);
  mixText(lanes, AUTOMATIC);
  const from = places[reference] ?? 0;
  mixText(lanes, from === 0 ? "null" : `${(places[reference + 1] ?? 0) - from}:`);
  mixPlace(lanes, bytes, places, reference);
  mixText(lanes, "\n{}\n");
  return hexOf(lanes);
}

function mixPlace(lanes: Lanes, bytes: Uint8Array, places: Int32Array, field: number): void {
  mixBytes(lanes, bytes, places[field] ?? 0, places[field + 1] ?? 0);
}

/**
 * 16 hex digits for a whole bulk, of the prints and keys of its items in their order: equal for a bulk that is sent again, however
 * its JSON is written. Prints have one length, and keys hold no line break.
 */
export function bulkPrint(mode: string, items: readonly { readonly key?: string; readonly print: string }[]): string {
  const lanes = openLanes();
  mixText(lanes, `Bulk\n${mode}\n`);
  for (const { key = "", print } of items) {
    mixText(lanes, print);
    mixText(lanes, key);
    mixLineBreak(lanes);
  }
  return hexOf(lanes);
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}

/** Texts bear their length: null is not "null", and no text can pass for two fields. */
function canonical(value: unknown): string {
  if (typeof value === "string") return `${value.length}:${value}`;
  if (value === null || typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join("\t")}]`;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => canonical(key) + canonical(field)).join()}}`;
}
