import { EVIDENCE_MAX } from "ledger-core";
import { example, limit, objectRoute, shape } from "./parts.ts";

export const recommendationsRoute = objectRoute({
  tag: "Accounts",
  id: example.account,
  summary: "Merchants for an account",
  description:
    "Merchants that the account has not paid, and that others have who paid a merchant that it paid too; best " +
    "first. Each comes with events " +
    "that it rests on.",
  query: { limit },
  answer: shape("The recommendations", {
    data: {
      type: "array",
      items: shape("A merchant", {
        merchant: { type: "string", example: example.other },
        score: { type: "number", description: "How many payers the two share.", example: 3 },
        events: { type: "array", maxItems: EVIDENCE_MAX, items: { type: "string", example: example.event } },
      }),
    },
  }),
});
