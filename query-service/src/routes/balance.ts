import { type AccountId, type Position, parseId, parsePosition, readId } from "ledger-core";
import { readAccount } from "../queries/accounts.ts";
import { balancesAsOf, type Moment } from "../queries/balances.ts";
import {
  answered,
  behind,
  date,
  instant,
  invalidQuery,
  type Parameters,
  type Query,
  type QueryOutcome,
} from "../query.ts";
import { balanceRoute } from "../schemas/balance.ts";
import { absent, type QueryContext, type QueryRoute } from "./context.ts";

/** GET /v1/accounts/{id}/balance */
export const balanceRoutes: readonly QueryRoute[] = [
  {
    name: "balance",
    url: "/v1/accounts/:id/balance",
    schema: balanceRoute,
    lane: "quick",
    stores: ["models"],
    answer: answerBalance,
  },
];

async function answerBalance(
  { caller, id, parameters, required }: Query,
  context: QueryContext,
): Promise<QueryOutcome> {
  const account = parseId("acct", id);
  if (!account) throw absent("account");
  const { moment, required: momentRequired } = readMoment(parameters, account, context);
  const all = [...required, ...momentRequired];
  const read = await context.models.read(all, async (snapshot) => {
    const found = await readAccount(snapshot, caller, account);
    return found && { currency: found.currency, balances: await balancesAsOf(snapshot, found, moment) };
  });
  if (!read) return behind("models", all);
  if (!read.result) throw absent("account");
  const { currency, balances } = read.result;
  const { posted, held } = balances;
  const body = { account, currency, posted: `${posted}`, held: `${held}`, available: `${posted - held}` };
  return answered(read.positions, body);
}

/** The requested moment, and the position that the models must have reached to answer for it. @throws Problem 400 */
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
