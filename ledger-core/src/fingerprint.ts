import type { ClientCommand, MakePayment } from "./commands.ts";

/**
 * Two independent 32-bit lanes over the UTF-16 units of a text, 64 bits in all: fast enough for every command of the hot path.
 * Not cryptographic: it tells a repeated command from another one of the same client and finds a key's place on disk,
 * where the whole key is compared. Method: cyrb53 (public domain; multiply and mix, finalizer of MurmurHash3), both lanes kept whole.
 */
export function hash64(text: string, seed = 0): { high: number; low: number } {
  let high = 0xdeadbeef ^ seed;
  let low = 0x41c6ce57 ^ seed;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    high = Math.imul(high ^ unit, 0x9e3779b1);
    low = Math.imul(low ^ unit, 0x5f356495);
  }
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
  return { high: high >>> 0, low: low >>> 0 };
}

/** The text that stands for an idempotency key in its scope. */
export function scopedKey(tenant: string, sub: string, key: string): string {
  return `${tenant}\n${sub}\n${key}`;
}

/**
 * 16 hex digits that are equal for equal commands: defaults filled in, metadata in any order. Commands of one type come from one
 * parser, which gives their fields one order.
 */
export function fingerprint(command: ClientCommand | { readonly type: "Bulk"; readonly text: string }): string {
  const { high, low } = hash64(command.type === "MakePayment" ? paymentText(command) : commandText(command));
  return hex(high) + hex(low);
}

const hexWords = Array.from({ length: 65_536 }, (_, word) => word.toString(16).padStart(4, "0"));

/** Eight hex digits of 32 bits, by table: `toString(16)` of so large a number takes half a microsecond. */
function hex(bits: number): string {
  return `${hexWords[bits >>> 16]}${hexWords[bits & 0xffff]}`;
}

function commandText(command: object): string {
  let text = "";
  for (const value of Object.values(command)) text += `${canonical(value)}\n`;
  return text;
}

/** The same for the hot path's command, by a template. Ids, codes and amounts hold no line break, and free text bears its length. */
function paymentText(command: MakePayment): string {
  const { payer, payee, amount, currency, capture, expiresAt } = command;
  const free = `${canonical(command.reference)}\n${canonical(command.metadata)}`;
  return `MakePayment\n${payer}\n${payee}\n${amount}\n${currency}\n${capture}\n${expiresAt}\n${free}\n`;
}

/** Texts bear their length: null is not "null", and no text can pass for two fields. */
function canonical(value: unknown): string {
  if (typeof value === "string") return `${value.length}:${value}`;
  if (value === null || typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join("\t")}]`;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => canonical(key) + canonical(field)).join()}}`;
}
