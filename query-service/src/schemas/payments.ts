import { paymentStatuses } from "ledger-core";
import { accountExample } from "./accounts.ts";
import {
  digits,
  instant,
  listOf,
  listQuery,
  metadata,
  objectRoute,
  plainRoute,
  shape,
  text,
  textOrNull,
} from "./parts.ts";

export const paymentExample = "pay_01kaney4g00008g000000000c5";

const payment = shape({
  id: text(paymentExample),
  payer: text(accountExample),
  payee: text("acct_01kaney4g00008g000000000c6"),
  amount: digits("What was authorized."),
  currency: text("HKD"),
  status: { type: "string", enum: paymentStatuses },
  captured: digits("What was captured of it."),
  refunded: digits("What was given back of what was captured."),
  fee: text("0"),
  capture: { type: "string", enum: ["automatic", "manual"] },
  reference: textOrNull("INV-2026-0042"),
  metadata,
  createdAt: text("2026-11-22T08:30:00.000000Z"),
  expiresAt: textOrNull("2026-11-29T08:30:00.000000Z"),
});

export const paymentSchema = objectRoute(paymentExample, {
  tag: "Payments",
  summary: "A payment",
  description: "Seen by the owners of its payer and its payee, and by operators, auditors and services of the tenant.",
  answer: { description: "The payment.", body: payment },
});

export const paymentListSchema = plainRoute({
  tag: "Payments",
  summary: "Payments, newest first",
  description:
    "Those that touch an account of the caller; for an operator, auditor or service all of the tenant. An account that the caller may not see has no payments.",
  query: {
    account: { type: "string", description: "Payments from or to this account.", examples: [accountExample] },
    status: { type: "string", enum: paymentStatuses },
    from: { ...instant, description: "Created at this time or later." },
    to: { ...instant, description: "Created before this time." },
    ...listQuery,
  },
  answer: { description: "One page of payments.", body: listOf(payment) },
});
