import type { FastifyRequest } from "fastify";
import { Problem } from "./problems.ts";

const HEADER = "idempotency-key";
const grammar = /^[\x20-\x7e]{1,255}$/;

/**
 * The request's idempotency key. The raw headers are read, because a header that is sent twice reaches us joined as one.
 * @throws Problem `idempotency_key_missing` or `idempotency_key_invalid`
 */
export function idempotencyKey(request: FastifyRequest): string {
  const key = request.headers[HEADER];
  if (key === undefined) throw new Problem("idempotency_key_missing", "The request carries no Idempotency-Key.");
  if (typeof key !== "string" || !grammar.test(key))
    throw new Problem("idempotency_key_invalid", "An Idempotency-Key is 1 to 255 printable ASCII characters.");
  const raw = request.raw.rawHeaders;
  let count = 0;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i];
    if (name !== undefined && name.length === HEADER.length && name.toLowerCase() === HEADER) count++;
  }
  if (count > 1) throw new Problem("idempotency_key_invalid", "The request carries more than one Idempotency-Key.");
  return key;
}
