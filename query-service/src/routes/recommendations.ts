import { type AccountId, parseId, type Recommendation } from "ledger-core";
import { formatPositions, reached } from "../positions.ts";
import { readAccount } from "../queries/accounts.ts";
import { merged, readTrained, standingOf } from "../queries/trained.ts";
import { answered, behind, type Query, type QueryOutcome } from "../query.ts";
import { recommendationsRoute } from "../schemas/recommendations.ts";
import { absent, type QueryContext, type QueryRoute } from "./context.ts";

/**
 * GET /v1/accounts/{id}/recommendations. The models decide whether the caller may see the account; the graph has
 * recommendations, and so may a trained model, whose evidence the models confirm.
 */
export const recommendationRoutes: readonly QueryRoute[] = [
  {
    name: "recommendations",
    url: "/v1/accounts/:id/recommendations",
    schema: recommendationsRoute,
    lane: "list",
    stores: ["models", "graph"],
    readsGold: true,
    answer: answerRecommendations,
  },
];

/** The model was trained some time ago: the account may have paid some of its merchants since. */
async function paidAmong(
  graph: QueryContext["graph"],
  account: AccountId,
  trained: readonly Recommendation[],
): Promise<ReadonlySet<AccountId>> {
  if (trained.length === 0) return new Set();
  return graph.paidAmong(
    account,
    trained.map(({ merchant }) => merchant),
  );
}

async function answerRecommendations(
  query: Query,
  { models, graph, gold, limits }: QueryContext,
): Promise<QueryOutcome> {
  const { caller, required } = query;
  const id = parseId("acct", query.id);
  if (!id) throw absent("account");
  const { limit } = query.parameters;
  const account = await models.read(required, (snapshot) => readAccount(snapshot, caller, id));
  if (!account) return behind("models", required);
  if (!account.result) throw absent("account");
  const rows = limit === undefined ? limits.pageRows : Number(limit);
  const [{ recommendations, positions }, trained] = await Promise.all([
    graph.recommend(caller.tenant, id, rows),
    readTrained(gold, { tenant: caller.tenant, account: id, limit: rows }, limits),
  ]);
  if (!reached(positions, required)) return behind("graph", required);
  const standing = await standingOf(trained, models, { account: account.result, required });
  if (!standing) return behind("models", required);
  const paid = await paidAmong(graph, id, standing);
  const unpaid = standing.filter(({ merchant }) => !paid.has(merchant));
  const found = { recommendations, position: formatPositions(positions) };
  return answered(positions, { data: merged(found, unpaid, rows) });
}
