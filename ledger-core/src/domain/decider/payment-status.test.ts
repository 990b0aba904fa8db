import { expect, it } from "vitest";
import type { PaymentStatus } from "../payment.ts";
import { statusOf } from "./payment-status.ts";

it.each<[captured: bigint, refunded: bigint, held: bigint, status: PaymentStatus]>([
  [0n, 0n, 100n, "authorized"],
  [40n, 0n, 60n, "partially_captured"],
  [100n, 0n, 0n, "captured"],
  [40n, 0n, 0n, "captured"],
  [40n, 10n, 60n, "partially_refunded"],
  [40n, 40n, 60n, "partially_refunded"],
  [40n, 10n, 0n, "partially_refunded"],
  [40n, 40n, 0n, "refunded"],
  [0n, 0n, 0n, "voided"],
])("captured %d, refunded %d, held %d is %s", (captured, refunded, held, status) => {
  expect(statusOf({ captured, refunded, held })).toBe(status);
});

it("says how an authorization ended of which nothing was captured", () => {
  expect(statusOf({ captured: 0n, refunded: 0n, held: 0n }, "expired")).toBe("expired");
  expect(statusOf({ captured: 1n, refunded: 0n, held: 0n }, "expired")).toBe("captured");
});
