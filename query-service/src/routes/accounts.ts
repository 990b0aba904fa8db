import type { FastifyInstance } from "fastify";
import { accountBody, parseId } from "ledger-core";
import { callerOf } from "ledger-core/http";
import type { Parameters } from "../filters.ts";
import { readFreshness } from "../positions.ts";
import { listAccounts, readAccount } from "../queries/accounts.ts";
import { toAccount } from "../queries/rows.ts";
import { accountListRoute, accountRoute } from "../schemas/accounts.ts";
import { absent, type QueryContext, served } from "./context.ts";
import { listBody, readList } from "./lists.ts";

/** GET /v1/accounts and /v1/accounts/{id} */
export function serveAccounts(app: FastifyInstance, context: QueryContext): void {
  app.get<{ Params: { id: string } }>("/v1/accounts/:id", { schema: accountRoute }, async (request, reply) => {
    const freshness = readFreshness(request.headers, context);
    const id = parseId("acct", request.params.id);
    if (!id) throw absent("account");
    const read = await context.models.read(freshness, (view) => readAccount(view, callerOf(request), id));
    if (!read.result) throw absent("account");
    served(reply, read);
    return accountBody(toAccount(read.result));
  });

  app.get<{ Querystring: Parameters }>("/v1/accounts", { schema: accountListRoute }, async (request, reply) => {
    const list = readList(request, context);
    const { owner, type, status } = request.query;
    const read = await context.models.read(list.freshness, (view) =>
      listAccounts(view, list.caller, { owner, type, status }, list),
    );
    served(reply, read);
    return listBody(context, list, read, (row) => accountBody(toAccount(row)));
  });
}
