import { type RejectionCode, rejections } from "../domain/rejections.ts";

/** Errors of the edge itself, besides the domain's refusals. `meaning` says what was wrong and what to do. */
const edgeProblems = {
  bad_request: { status: 400, title: "Bad request", meaning: "The bytes sent are not an HTTP/1.1 request." },
  malformed_path: {
    status: 400,
    title: "Path cannot be read",
    meaning: "The path holds percent-encoding that is not UTF-8, a control character, or a dot segment.",
  },
  invalid_query: {
    status: 400,
    title: "Query parameters are not valid",
    meaning: "A query parameter is unknown, malformed, given twice, or cannot be combined with another.",
  },
  invalid_cursor: {
    status: 400,
    title: "Cursor is not valid",
    meaning: "The cursor was changed, or belongs to another path, filter, order or caller. Start again without it.",
  },
  invalid_header: {
    status: 400,
    title: "Header is not valid",
    meaning: "A header such as Ledger-Position or Ledger-Wait does not have its form, which /docs gives.",
  },
  empty_body: { status: 400, title: "Body is empty", meaning: "The request needs a JSON object as its body." },
  incomplete_body: {
    status: 400,
    title: "Body is incomplete",
    meaning: "The body ended before, or went on after, the length that was announced.",
  },
  invalid_utf8: { status: 400, title: "Body is not UTF-8", meaning: "The body's bytes are not valid UTF-8." },
  malformed_json: {
    status: 400,
    title: "Body is not JSON",
    meaning:
      "The body is not one JSON value of RFC 8259: a byte order mark, trailing bytes, NaN and hexadecimal are not.",
  },
  not_an_object: {
    status: 400,
    title: "Body is not an object",
    meaning: "The body's top level must be a JSON object.",
  },
  duplicate_key: { status: 400, title: "Duplicate key", meaning: "An object of the body names the same key twice." },
  forbidden_key: {
    status: 400,
    title: "Forbidden key",
    meaning:
      "A key is __proto__, constructor or prototype, or holds a quotation mark, a backslash or a control below U+0020.",
  },
  lone_surrogate: {
    status: 400,
    title: "Lone surrogate",
    meaning: "A string of the body holds half of a surrogate pair, which no UTF-8 text can.",
  },
  too_deep: { status: 400, title: "Nesting is too deep", meaning: "The body nests objects and arrays deeper than 16." },
  idempotency_key_missing: {
    status: 400,
    title: "Idempotency-Key is missing",
    meaning: "Every POST carries one Idempotency-Key header, so that it can be repeated safely.",
  },
  idempotency_key_invalid: {
    status: 400,
    title: "Idempotency-Key is not valid",
    meaning:
      "The Idempotency-Key header must be there once, with 1 to 255 printable ASCII characters, not a card number.",
  },
  unauthorized: {
    status: 401,
    title: "Not authenticated",
    meaning:
      "The request needs a valid bearer token: signed by a known key with EdDSA, for this ledger, not expired or " +
      "revoked.",
  },
  forbidden: {
    status: 403,
    title: "Not allowed to this role",
    meaning: "The token's role may not do this, whatever the object.",
  },
  route_not_found: { status: 404, title: "Route not found", meaning: "Nothing is served at this path." },
  transfer_not_found: {
    status: 404,
    title: "Transfer not found",
    meaning: "There is no such transfer, or none that the caller may see.",
  },
  refund_not_found: {
    status: 404,
    title: "Refund not found",
    meaning: "There is no such refund, or none that the caller may see.",
  },
  top_up_not_found: {
    status: 404,
    title: "Top-up not found",
    meaning: "There is no such top-up, or none that the caller may see.",
  },
  payout_not_found: {
    status: 404,
    title: "Payout not found",
    meaning: "There is no such payout, or none that the caller may see.",
  },
  session_not_found: {
    status: 404,
    title: "Session not found",
    meaning: "There is no such session, or none that the caller may revoke.",
  },
  method_not_allowed: {
    status: 405,
    title: "Method not allowed",
    meaning: "The path is served, but not with this method; the Allow header names those that are.",
  },
  request_timeout: {
    status: 408,
    title: "Request took too long",
    meaning: "Headers and body must arrive within 30 seconds.",
  },
  body_too_large: {
    status: 413,
    title: "Body is too large",
    meaning: "A body holds at most 64 KiB, that of a bulk 4 MiB.",
  },
  unsupported_media_type: {
    status: 415,
    title: "Media type is not supported",
    meaning: "Bodies are application/json in UTF-8, without a content encoding.",
  },
  bulk_aborted: {
    status: 424,
    title: "Bulk was aborted",
    meaning: "Another item of this atomic bulk failed, so this one was not applied.",
  },
  too_many_requests: {
    status: 429,
    title: "Too many requests",
    meaning:
      "The caller has as many requests under way or waiting as it may, or a quota is used up, which RateLimit then " +
      "says. Repeat the request after Retry-After.",
  },
  header_too_large: {
    status: 431,
    title: "Headers are too large",
    meaning: "The request's headers hold at most 16 KiB together.",
  },
  internal_error: {
    status: 500,
    title: "Internal error",
    meaning: "A fault of the ledger. Whether the command was applied is told by repeating it under the same key.",
  },
  overloaded: {
    status: 503,
    title: "Overloaded",
    meaning: "Nothing was accepted. Repeat the request under the same key after Retry-After.",
  },
  not_ready: {
    status: 503,
    title: "Not ready",
    meaning:
      "The service is starting, stopping or not the writer now: nothing was written, but of a bulk in mode each the " +
      "first items may be, as the detail then says. Repeat the request under the same key after Retry-After.",
  },
  log_unavailable: {
    status: 503,
    title: "Event log is unavailable",
    meaning:
      "Nothing was written, but of a bulk in mode each the first items may be, as the detail then says. " +
      "Repeat the request under the same key after Retry-After.",
  },
  store_unavailable: {
    status: 503,
    title: "Read model is unavailable",
    meaning: "The data asked for cannot be reached now. Repeat the request after Retry-After.",
  },
  revocations_unavailable: {
    status: 503,
    title: "Revoked tokens cannot be checked",
    meaning:
      "The list of revoked tokens is too old, or cannot be written. Nothing was accepted; repeat it after Retry-After.",
  },
  position_not_reached: {
    status: 503,
    title: "Position is not reached yet",
    meaning: "What is served had not come to the position asked for within Ledger-Wait. Repeat after Retry-After.",
  },
} as const satisfies Record<string, { status: number; title: string; meaning: string }>;

const rejectionMeanings: Record<RejectionCode, string> = {
  account_not_found: "There is no such account, or none that the caller may use.",
  account_not_open: "The account is closed: nothing moves on it any more.",
  account_frozen: "The account is frozen: it takes credits, and gives none.",
  account_not_empty: "An account is closed only when its balance is zero and nothing is held on it.",
  currency_mismatch: "An account has one currency, and the command named another.",
  same_account: "Money must move between two different accounts.",
  amount_invalid: "An amount is a string of 1 to 18 digits in minor units, without sign or leading zero.",
  amount_too_large: "The amount, or a balance after it, would not fit into 18 digits.",
  insufficient_funds: "The account's available balance, down to its floor, does not cover the amount.",
  limit_per_transaction: "The amount is over the account's limit for one transaction.",
  limit_per_day: "With this amount the account would be over its limit for the day.",
  payment_not_found: "There is no such payment, or none that the caller may use.",
  payment_not_capturable: "Nothing of the payment is left to capture.",
  payment_not_voidable: "Nothing of the payment is left to release.",
  payment_expired: "The authorization has expired, and what it held was released.",
  capture_exceeds_authorized: "The amount is more than what is authorized and not captured.",
  refund_exceeds_captured: "The amount is more than what is captured and not refunded.",
  payment_not_refundable: "Nothing of the payment is left to refund.",
  bulk_too_large:
    "An atomic bulk has at most 1,000 items, and all its events fit into one append of 900 KiB. Nothing was decided.",
  invalid_request: "The body does not fit the route; `errors` points at each fault.",
  idempotency_key_reused: "The key was used for another command. Take a new key for a new command.",
  idempotency_key_in_progress: "The first request under this key has no answer yet. Repeat it later.",
};

const statusOfKind = { absent: 404, conflict: 409, unprocessable: 422 } as const;

export type ProblemCode = keyof typeof edgeProblems | RejectionCode;
type ProblemKind = { readonly status: number; readonly title: string; readonly meaning: string };

/** Every code that an answer may have: the edge's own, then the domain's refusals with their HTTP status. */
export const problemKinds: ReadonlyMap<string, ProblemKind> = new Map<string, ProblemKind>([
  ...Object.entries(edgeProblems),
  ...Object.entries(rejections).map(([code, { kind, title }]): [string, ProblemKind] => [
    code,
    { status: statusOfKind[kind], title, meaning: rejectionMeanings[code as RejectionCode] },
  ]),
]);

/** Status, title and meaning of a code. An unknown code is a bug of the caller. */
export function problemKind(code: string): ProblemKind {
  const kind = problemKinds.get(code);
  if (!kind) throw new Error(`unknown problem code ${code}`);
  return kind;
}
