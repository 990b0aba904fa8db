import { payoutSchema, refundSchema, topUpSchema, transferSchema } from "ledger-core/http/schemas";
import { objectRoute } from "./parts.ts";

const seenByOwners = "Seen by the owner of any account that it touches, and by operators, auditors and services.";

export const transferRoute = objectRoute({
  tag: "Transfers",
  id: "txf_01kaney4g00008g000000000e1",
  summary: "A transfer",
  description: seenByOwners,
  answer: transferSchema,
});

export const refundRoute = objectRoute({
  tag: "Refunds",
  id: "rfd_01kaney4g00008g000000000e2",
  summary: "A refund",
  description: seenByOwners,
  answer: refundSchema,
});

export const topUpRoute = objectRoute({
  tag: "Top-ups and payouts",
  id: "top_01kaney4g00008g000000000e3",
  summary: "A top-up",
  description: seenByOwners,
  answer: topUpSchema,
});

export const payoutRoute = objectRoute({
  tag: "Top-ups and payouts",
  id: "pyt_01kaney4g00008g000000000e4",
  summary: "A payout",
  description: seenByOwners,
  answer: payoutSchema,
});
