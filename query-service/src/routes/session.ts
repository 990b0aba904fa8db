import type { FastifyInstance } from "fastify";
import { accountBody, entryBody } from "ledger-core";
import { callerOf } from "ledger-core/http";
import { reached, readFreshness } from "../positions.ts";
import { whenReached } from "../reading.ts";
import { sessionRoute } from "../schemas/session.ts";
import { type QueryContext, served } from "./context.ts";

/** GET /v1/me/session, from the session view alone. */
export function serveSession(app: FastifyInstance, context: QueryContext): void {
  app.get("/v1/me/session", { schema: sessionRoute }, async (request, reply) => {
    const freshness = readFreshness(request.headers, context);
    const { tenant, sub } = callerOf(request);
    const read = await whenReached(freshness, context.sessionRoom, async () => {
      const session = await context.session.read(tenant, sub);
      return reached(session.positions, freshness.required)
        ? { result: session, positions: session.positions }
        : undefined;
    });
    const { accounts, moreAccounts, movements } = served(reply, read);
    return {
      owner: sub,
      accounts: accounts.map(accountBody),
      moreAccounts,
      movements: movements.map(entryBody),
    };
  });
}
