import { SESSION_MOVEMENTS_MAX } from "ledger-core";
import { accountSchema } from "ledger-core/http";
import { entrySchema } from "./entries.ts";
import { plainRoute, shape } from "./parts.ts";

export const sessionRoute = plainRoute({
  tag: "Session",
  summary: "What the app shows first",
  description:
    `The caller's accounts with their balances, and its last ${SESSION_MOVEMENTS_MAX} movements over all of them, ` +
    "newest first.",
  answer: shape("The session", {
    owner: { type: "string", description: "The token's subject.", example: "alice" },
    accounts: { type: "array", items: accountSchema },
    movements: { type: "array", items: entrySchema, maxItems: SESSION_MOVEMENTS_MAX },
  }),
});
