import { accountExample } from "./accounts.ts";
import { businessDate, digits, instant, objectRoute, shape, text } from "./parts.ts";

export const balanceSchema = objectRoute(accountExample, {
  tag: "Accounts",
  summary: "The balances of an account, now or as of a moment",
  description:
    "Without a parameter: now. One parameter at most. Before the first entry every balance is 0. " +
    "With effectiveDate, `posted` is what counts for that date and those before it, however much later it was booked, and `held` is what was held when the date ended in the account's time zone.",
  query: {
    at: { ...instant, description: "After everything booked at this time or before. Not ahead of now." },
    position: {
      type: "string",
      description:
        "After the event at this position, which must be of the account's own shard. Ahead of what is projected: waited for as Ledger-Position is.",
      examples: ["0:1234"],
    },
    effectiveDate: { ...businessDate, description: "At the end of this business date." },
  },
  answer: {
    description: "The balances.",
    body: shape({
      account: text(accountExample),
      currency: text("HKD"),
      posted: digits("What was booked, credits positive."),
      held: digits("What was authorized and not captured."),
      available: digits("posted − held"),
    }),
  },
});
