import type { Amount } from "../money.ts";
import type { PaymentStatus } from "../payment.ts";

/**
 * The status word follows from the amounts, never the other way round: deciders look at `held`, `captured` and
 * `refunded`, so no status prevents capturing, voiding or refunding what is left.
 *
 *   refunded > 0   all captured is refunded and nothing is held → refunded, else partially_refunded
 *   held > 0       something captured → partially_captured, else authorized
 *   held = 0       something captured → captured (in full, or the rest released by void, expiry or a final capture);
 *                  nothing captured → how it ended: voided or expired
 *
 * So a payment of which a part was captured and refunded while the rest is still held is `partially_refunded`:
 * `refunded` would say that it is over, and more may yet be captured. `ended` is asked for only where all was released
 * uncaptured.
 */
export function statusOf(
  { captured, refunded, held }: { captured: Amount; refunded: Amount; held: Amount },
  ended: "voided" | "expired" = "voided",
): PaymentStatus {
  if (refunded > 0n) return refunded === captured && held === 0n ? "refunded" : "partially_refunded";
  if (held > 0n) return captured > 0n ? "partially_captured" : "authorized";
  return captured > 0n ? "captured" : ended;
}
