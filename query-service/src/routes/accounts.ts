import { accountBody, parseId } from "ledger-core";
import { listAccounts, readAccount } from "../queries/accounts.ts";
import { answered, behind, type Query, type QueryOutcome } from "../query.ts";
import { accountListRoute, accountRoute } from "../schemas/accounts.ts";
import { absent, type QueryContext, type QueryRoute } from "./context.ts";
import { listBody, readList } from "./lists.ts";

/** GET /v1/accounts/{id} and /v1/accounts */
export const accountRoutes: readonly QueryRoute[] = [
  {
    name: "account",
    url: "/v1/accounts/:id",
    schema: accountRoute,
    lane: "quick",
    stores: ["models"],
    answer: answerAccount,
  },
  {
    name: "accounts",
    url: "/v1/accounts",
    schema: accountListRoute,
    lane: "list",
    stores: ["models"],
    answer: answerAccounts,
  },
];

async function answerAccount({ caller, id, required }: Query, { models }: QueryContext): Promise<QueryOutcome> {
  const account = parseId("acct", id);
  if (!account) throw absent("account");
  const read = await models.read(required, (snapshot) => readAccount(snapshot, caller, account));
  if (!read) return behind("models", required);
  if (!read.result) throw absent("account");
  return answered(read.positions, accountBody(read.result));
}

async function answerAccounts(query: Query, context: QueryContext): Promise<QueryOutcome> {
  const list = readList(query, context);
  const { owner, type, status } = query.parameters;
  const read = await context.models.read(list.required, (snapshot) =>
    listAccounts(snapshot, query.caller, { owner, type, status }, list),
  );
  if (!read) return behind("models", list.required);
  return answered(read.positions, listBody(context, list, read, accountBody));
}
