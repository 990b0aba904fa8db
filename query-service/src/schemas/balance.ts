import { businessDate, instant, signedAmount } from "ledger-core/http/schemas";
import { example, objectRoute, shape } from "./parts.ts";

export const balanceRoute = objectRoute({
  tag: "Accounts",
  id: example.account,
  summary: "The balances of an account, now or as of a moment",
  description:
    "Without a parameter: now; with more than one: refused. Before the first entry every balance is 0. With " +
    "effectiveDate, `posted` is what " +
    "counts for that date and those before it, however much later it was booked, and `held` what was held when the " +
    "date ended in the " +
    "account's time zone.",
  query: {
    at: { ...instant, description: "After everything booked at this time or before. Not ahead of now." },
    position: {
      type: "string",
      description:
        "After the event at this position, which must be of the account's own shard. One that is not projected yet " +
        "is waited for, as with Ledger-Position.",
      example: "0:1234",
    },
    effectiveDate: { ...businessDate, description: "At the end of this business date." },
  },
  answer: shape("The balances", {
    account: { type: "string", example: example.account },
    currency: { type: "string", example: "HKD" },
    posted: { ...signedAmount, description: "What is booked, credits positive." },
    held: { ...signedAmount, description: "What is authorized and not captured." },
    available: { ...signedAmount, description: "posted − held" },
  }),
});
