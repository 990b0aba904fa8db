import { accountExample } from "./accounts.ts";
import { digits, metadata, objectRoute, shape, text, textOrNull } from "./parts.ts";
import { paymentExample } from "./payments.ts";

const createdAt = text("2026-11-22T08:30:00.000000Z");

export const transferSchema = objectRoute("txf_01kaney4g00008g000000000c5", {
  tag: "Transfers",
  summary: "A transfer",
  description:
    "Seen by the owner of any account that it touches, and by operators, auditors and services of the tenant.",
  answer: {
    description: "The transfer.",
    body: shape({
      id: text("txf_01kaney4g00008g000000000c5"),
      legs: {
        type: "array",
        items: shape({ from: text(accountExample), to: text("acct_01kaney4g00008g000000000c6"), amount: text("1250") }),
      },
      currency: text("HKD"),
      reference: textOrNull("INV-2026-0042"),
      effectiveDate: textOrNull("2026-11-20"),
      metadata,
      createdAt,
    }),
  },
});

export const refundSchema = objectRoute("rfd_01kaney4g00008g000000000c5", {
  tag: "Payments",
  summary: "A refund",
  description: "Seen by whoever sees its payment.",
  answer: {
    description: "The refund.",
    body: shape({
      id: text("rfd_01kaney4g00008g000000000c5"),
      payment: text(paymentExample),
      amount: digits("What was given back."),
      currency: text("HKD"),
      feeReturned: text("0"),
      reason: textOrNull("damaged"),
      createdAt,
    }),
  },
});

const railMovement = (id: string) =>
  shape({
    id: text(id),
    account: text(accountExample),
    amount: text("50000"),
    currency: text("HKD"),
    rail: text("fps"),
    externalId: textOrNull("FPS-20261122-0001"),
    status: { type: "string", enum: ["settled"] },
    createdAt,
  });

export const topUpSchema = objectRoute("top_01kaney4g00008g000000000c5", {
  tag: "Top-ups and payouts",
  summary: "A top-up",
  description: "Seen by the owner of its account, and by operators, auditors and services of the tenant.",
  answer: { description: "The top-up.", body: railMovement("top_01kaney4g00008g000000000c5") },
});

export const payoutSchema = objectRoute("pyt_01kaney4g00008g000000000c5", {
  tag: "Top-ups and payouts",
  summary: "A payout",
  description: "Seen by the owner of its account, and by operators, auditors and services of the tenant.",
  answer: { description: "The payout.", body: railMovement("pyt_01kaney4g00008g000000000c5") },
});
