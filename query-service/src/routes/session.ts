import { accountBody, entryBody, type Session } from "ledger-core";
import { reached } from "../positions.ts";
import { answered, behind, type Query, type QueryOutcome, type ServedBy } from "../query.ts";
import { sessionRoute } from "../schemas/session.ts";
import type { QueryContext, QueryRoute } from "./context.ts";

/** The name of its route. */
export const SESSION = "session";

/** GET /v1/me/session, from the session view. */
export const sessionRoutes: readonly QueryRoute[] = [
  {
    name: SESSION,
    url: "/v1/me/session",
    schema: sessionRoute,
    lane: "quick",
    stores: ["models"],
    answer: answerSession,
  },
];

async function answerSession({ caller, required }: Query, { session }: QueryContext): Promise<QueryOutcome> {
  const read = await session.read(caller.tenant, caller.sub);
  if (!reached(read.positions, required)) return behind("models", required);
  return sessionAnswer(caller.sub, read, "models");
}

/** The answer with a session, wherever it was read. */
export function sessionAnswer(owner: string, session: Session, servedBy: ServedBy): QueryOutcome {
  const { accounts, moreAccounts, movements, positions } = session;
  const body = { owner, accounts: accounts.map(accountBody), moreAccounts, movements: movements.map(entryBody) };
  return { ...answered(positions, body), servedBy };
}
