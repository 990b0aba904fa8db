import { account } from "./accounts.ts";
import { entry } from "./entries.ts";
import { plainRoute, shape, text } from "./parts.ts";

export const sessionSchema = plainRoute({
  tag: "Session",
  summary: "What the app shows first",
  description: "The caller's accounts with their balances, and its last 20 movements over all of them, newest first.",
  answer: {
    description: "The session.",
    body: shape({
      owner: text("customer-7"),
      accounts: { type: "array", items: account },
      movements: { type: "array", items: entry, maxItems: 20 },
    }),
  },
});
