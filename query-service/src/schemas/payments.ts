import { paymentStatuses } from "ledger-core";
import { instant, paymentSchema } from "ledger-core/http/schemas";
import { queryLimits } from "../limits.ts";
import { example, listQuery, objectRoute, pageOf, plainRoute } from "./parts.ts";

export const paymentRoute = objectRoute({
  tag: "Payments",
  id: example.payment,
  summary: "A payment",
  description: "Seen by the owners of its payer and its payee, and by operators, auditors and services of the tenant.",
  answer: paymentSchema,
});

export const paymentListRoute = plainRoute({
  tag: "Payments",
  summary: "Payments, newest first",
  description:
    "Those from or to an account of the caller's; for an operator, auditor or service all of the tenant. An account" +
    " that the caller may not " +
    "see has no payments. " +
    `A page looks at ${queryLimits.scanMax} of an account's entries at most, and with status=captured at as many ` +
    "payments: it may then be short, even empty, and still have a nextCursor that goes on.",
  query: {
    account: {
      type: "string",
      pattern: "^acct_[0-7][0-9a-hjkmnp-tv-z]{25}$",
      description: "Payments from or to this account.",
      example: example.account,
    },
    status: { type: "string", enum: paymentStatuses, description: "Payments that are in this state now." },
    from: { ...instant, description: "Created at this time or later." },
    to: { ...instant, description: "Created before this time." },
    ...listQuery,
  },
  answer: pageOf("One page of payments", paymentSchema),
});
