import { accountExample } from "./accounts.ts";
import { limit, objectRoute, shape, text } from "./parts.ts";

export const recommendationsSchema = objectRoute(accountExample, {
  tag: "Accounts",
  summary: "Merchants for an account",
  description:
    "Merchants that the account has not paid and that others pay who share a merchant with it; best first. Each cites the events that it rests on.",
  query: { limit },
  answer: {
    description: "The recommendations.",
    body: shape({
      data: {
        type: "array",
        items: shape({
          merchant: text("acct_01kaney4g00008g000000000c6"),
          score: { type: "number", description: "How many payers it shares.", examples: [3] },
          events: { type: "array", items: text("evt_01kaney4g00008g000000000c5") },
        }),
      },
    }),
  },
});
