import { accountBody, entryBody } from "ledger-core";
import { reached } from "../positions.ts";
import { answered, behind, type Query, type QueryOutcome } from "../query.ts";
import { sessionRoute } from "../schemas/session.ts";
import type { QueryContext, QueryRoute } from "./context.ts";

/** GET /v1/me/session, from the session view. */
export const sessionRoutes: readonly QueryRoute[] = [
  {
    name: "session",
    url: "/v1/me/session",
    schema: sessionRoute,
    lane: "quick",
    stores: ["models"],
    answer: answerSession,
  },
];

async function answerSession({ caller, required }: Query, { session }: QueryContext): Promise<QueryOutcome> {
  const { accounts, moreAccounts, movements, positions } = await session.read(caller.tenant, caller.sub);
  if (!reached(positions, required)) return behind("models", required);
  return answered(positions, {
    owner: caller.sub,
    accounts: accounts.map(accountBody),
    moreAccounts,
    movements: movements.map(entryBody),
  });
}
