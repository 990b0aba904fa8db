import type { FastifyInstance } from "fastify";
import { type AccountId, type Position, parseId, parsePosition, readId } from "ledger-core";
import { callerOf } from "ledger-core/http";
import { date, instant, invalidQuery, type Parameters } from "../filters.ts";
import { atLeast, readFreshness } from "../positions.ts";
import { readAccount } from "../queries/accounts.ts";
import { balancesAsOf, type Moment } from "../queries/balances.ts";
import { balanceRoute } from "../schemas/balance.ts";
import { absent, type QueryContext, served } from "./context.ts";

/** GET /v1/accounts/{id}/balance */
export function serveBalance(app: FastifyInstance, context: QueryContext): void {
  app.get<{ Params: { id: string }; Querystring: Parameters }>(
    "/v1/accounts/:id/balance",
    { schema: balanceRoute },
    async (request, reply) => {
      const freshness = readFreshness(request.headers, context);
      const id = parseId("acct", request.params.id);
      if (!id) throw absent("account");
      const { moment, required } = readMoment(request.query, id, context);
      const read = await context.models.read(atLeast(freshness, required), async (view) => {
        const account = await readAccount(view, callerOf(request), id);
        return account && { account, balances: await balancesAsOf(view, account, moment) };
      });
      if (!read.result) throw absent("account");
      served(reply, read);
      const { account, balances } = read.result;
      const { posted, held } = balances;
      return {
        account: account.id,
        currency: account.currency,
        posted: `${posted}`,
        held: `${held}`,
        available: `${posted - held}`,
      };
    },
  );
}

/**
 * The moment asked for, and the position that the models must have come to before they can tell. @throws Problem 400
 */
function readMoment(
  query: Parameters,
  account: AccountId,
  { shards, clock }: QueryContext,
): { moment: Moment; required: readonly Position[] } {
  const names = Object.keys(query);
  if (names.length > 1)
    throw invalidQuery(Object.fromEntries(names.map((name) => [name, "cannot be combined with another parameter"])));
  const at = instant(query.at);
  if (at !== undefined) {
    if (at > clock()) throw invalidQuery({ at: "must not be ahead of now" });
    return { moment: { kind: "at", at }, required: [] };
  }
  const effectiveDate = date(query.effectiveDate);
  if (effectiveDate !== undefined) return { moment: { kind: "effectiveDate", date: effectiveDate }, required: [] };
  if (query.position === undefined) return { moment: { kind: "now" }, required: [] };
  const position = parsePosition(query.position);
  if (!position) throw invalidQuery({ position: "must be <shard>:<revision>" });
  if (position.shard >= shards) throw invalidQuery({ position: `names shard ${position.shard}, which does not exist` });
  const { shard } = readId(account);
  if (position.shard !== shard) throw invalidQuery({ position: `must be of the account's shard, ${shard}` });
  return { moment: { kind: "revision", revision: position.revision }, required: [position] };
}
