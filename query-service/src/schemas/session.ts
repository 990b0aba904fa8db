import { SESSION_ACCOUNTS_MAX, SESSION_MOVEMENTS_MAX } from "ledger-core";
import { accountSchema } from "ledger-core/http/schemas";
import { entrySchema } from "./entries.ts";
import { plainRoute, shape } from "./parts.ts";

export const sessionRoute = plainRoute({
  tag: "Session",
  summary: "What the app shows first",
  description:
    `The caller's accounts with their balances, at most ${SESSION_ACCOUNTS_MAX}, those with the latest entry first, ` +
    `and its last ${SESSION_MOVEMENTS_MAX} movements over all of its accounts, newest first.`,
  answerHeaders: {
    "Ledger-Served-By": {
      type: "string",
      enum: ["redis", "models"],
      required: true,
      description: "The store that the session was read from: the read models, or Redis where it is used and complete.",
      example: "models",
    },
  },
  answer: shape("The session", {
    owner: { type: "string", description: "The token's subject.", example: "alice" },
    accounts: { type: "array", items: accountSchema, maxItems: SESSION_ACCOUNTS_MAX },
    moreAccounts: {
      type: "boolean",
      description: "Whether the caller has accounts that are not shown here; /v1/accounts lists them all.",
      example: false,
    },
    movements: { type: "array", items: entrySchema, maxItems: SESSION_MOVEMENTS_MAX },
  }),
});
