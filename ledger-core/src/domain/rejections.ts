/**
 * The one table of refusals: code, HTTP-free class, whether the refusal is recorded under its idempotency key, and
 * title. `absent`, `conflict`, `unprocessable` become 404, 409, 422 in the routes and nowhere else.
 */
export const rejections = {
  account_not_found: { kind: "absent", recorded: false, title: "Account not found" },
  account_not_open: { kind: "unprocessable", recorded: true, title: "Account is closed" },
  account_frozen: { kind: "unprocessable", recorded: true, title: "Account is frozen" },
  account_not_empty: { kind: "unprocessable", recorded: true, title: "Account is not empty" },
  currency_mismatch: { kind: "unprocessable", recorded: true, title: "Currency differs from the account's" },
  same_account: { kind: "unprocessable", recorded: true, title: "Payer and payee are the same account" },
  amount_invalid: { kind: "unprocessable", recorded: false, title: "Amount is not valid" },
  amount_too_large: { kind: "unprocessable", recorded: true, title: "Amount is too large" },
  insufficient_funds: { kind: "unprocessable", recorded: true, title: "Insufficient funds" },
  limit_per_transaction: { kind: "unprocessable", recorded: true, title: "Over the limit per transaction" },
  limit_per_day: { kind: "unprocessable", recorded: true, title: "Over the limit per day" },
  payment_not_found: { kind: "absent", recorded: false, title: "Payment not found" },
  payment_not_capturable: { kind: "conflict", recorded: true, title: "Payment cannot be captured" },
  payment_not_voidable: { kind: "conflict", recorded: true, title: "Payment cannot be voided" },
  payment_expired: { kind: "conflict", recorded: true, title: "Payment has expired" },
  capture_exceeds_authorized: { kind: "unprocessable", recorded: true, title: "Capture exceeds what is left" },
  refund_exceeds_captured: { kind: "unprocessable", recorded: true, title: "Refund exceeds what is left" },
  payment_not_refundable: { kind: "conflict", recorded: true, title: "Payment cannot be refunded" },
  bulk_too_large: { kind: "unprocessable", recorded: false, title: "Bulk is too large" },
  invalid_request: { kind: "unprocessable", recorded: false, title: "Request is not valid" },
  idempotency_key_reused: {
    kind: "unprocessable",
    recorded: false,
    title: "Idempotency key was used for another request",
  },
  idempotency_key_in_progress: { kind: "conflict", recorded: false, title: "Idempotency key is in progress" },
} as const satisfies Record<
  string,
  { kind: "absent" | "conflict" | "unprocessable"; recorded: boolean; title: string }
>;

export type RejectionCode = keyof typeof rejections;

/**
 * A business refusal: a value, never thrown. `detail` says what was wrong and what to do; `pointer` names a field (RFC
 * 6901).
 */
export type Rejection = { readonly code: RejectionCode; readonly detail: string; readonly pointer?: string };

export function reject(code: RejectionCode, detail: string, pointer?: string): Rejection {
  return pointer === undefined ? { code, detail } : { code, detail, pointer };
}
