import type { FastifyRequest } from "fastify";
import { holdsCardNumber } from "./card-numbers.ts";
import { Problem } from "./problems.ts";

const HEADER = "idempotency-key";

export const KEY_LENGTH_MAX = 255;
/** The grammar of keys, in headers and in items of a bulk: a space at either end would not survive a header. */
export const idempotencyKeyPattern = "^[\\x21-\\x7e](?:[\\x20-\\x7e]{0,253}[\\x21-\\x7e])?$";
export const idempotencyKeyForm =
  "1 to 255 printable ASCII characters, without a space at either end, and not a card number";
const grammar = new RegExp(idempotencyKeyPattern);

/** Schema of a key, for the header and for a bulk's items. */
export const idempotencyKeyField = {
  type: "string",
  pattern: idempotencyKeyPattern,
  format: "idempotency-key",
  description:
    `${idempotencyKeyForm[0]?.toUpperCase()}${idempotencyKeyForm.slice(1)}; ` +
    "the same whenever the request is repeated.",
} as const;

/** Whether a text may be an Idempotency-Key: the one rule for headers and for a bulk's items. */
function isIdempotencyKey(text: string): boolean {
  return grammar.test(text) && !holdsCardNumber(text);
}

/**
 * The request's idempotency key. Reads the raw headers, because Node joins a header that is sent twice.
 * @throws Problem `idempotency_key_missing` or `idempotency_key_invalid`
 */
export function idempotencyKey(request: FastifyRequest): string {
  const key = request.headers[HEADER];
  if (key === undefined) throw new Problem("idempotency_key_missing", "The request carries no Idempotency-Key.");
  if (typeof key !== "string" || !isIdempotencyKey(key))
    throw new Problem("idempotency_key_invalid", `An Idempotency-Key is ${idempotencyKeyForm}.`);
  if (countHeader(request.raw.rawHeaders, HEADER) > 1)
    throw new Problem("idempotency_key_invalid", "The request carries more than one Idempotency-Key.");
  return key;
}

/** How often a header was sent; `name` in lower case. Node joins or drops repeats of most. */
export function countHeader(rawHeaders: readonly string[], name: string): number {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const raw = rawHeaders[i];
    if (raw !== undefined && raw.length === name.length && raw.toLowerCase() === name) count++;
  }
  return count;
}
