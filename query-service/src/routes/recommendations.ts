import type { FastifyInstance } from "fastify";
import { parseId } from "ledger-core";
import { callerOf } from "ledger-core/http";
import type { Parameters } from "../filters.ts";
import { reached, readFreshness } from "../positions.ts";
import { readAccount } from "../queries/accounts.ts";
import { whenReached } from "../reading.ts";
import { recommendationsRoute } from "../schemas/recommendations.ts";
import { absent, type QueryContext, served } from "./context.ts";
import { LIMIT_DEFAULT } from "./lists.ts";

/**
 * GET /v1/accounts/{id}/recommendations: the models say whether the caller may see the account, the graph says the
 * rest.
 */
export function serveRecommendations(app: FastifyInstance, context: QueryContext): void {
  app.get<{ Params: { id: string }; Querystring: Parameters }>(
    "/v1/accounts/:id/recommendations",
    { schema: recommendationsRoute },
    async (request, reply) => {
      const freshness = readFreshness(request.headers, context);
      const caller = callerOf(request);
      const id = parseId("acct", request.params.id);
      if (!id) throw absent("account");
      const { limit } = request.query;
      const account = await context.models.read(freshness, (view) => readAccount(view, caller, id));
      if (!account.result) throw absent("account");
      const read = await whenReached(freshness, context.graphRoom, async () => {
        const { recommendations, positions } = await context.graph.recommend(
          caller.tenant,
          id,
          limit === undefined ? LIMIT_DEFAULT : Number(limit),
        );
        return reached(positions, freshness.required) ? { result: recommendations, positions } : undefined;
      });
      return { data: served(reply, read) };
    },
  );
}
