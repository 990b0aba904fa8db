import type { FastifyInstance } from "fastify";
import { parseId, paymentBody } from "ledger-core";
import { callerOf } from "ledger-core/http";
import { instant, invalidQuery, type Parameters } from "../filters.ts";
import { readFreshness } from "../positions.ts";
import { listPayments, readPayment } from "../queries/payments.ts";
import { toPayment } from "../queries/rows.ts";
import { paymentListRoute, paymentRoute } from "../schemas/payments.ts";
import { absent, type QueryContext, served } from "./context.ts";
import { listBody, readList } from "./lists.ts";

/** GET /v1/payments and /v1/payments/{id} */
export function servePayments(app: FastifyInstance, context: QueryContext): void {
  app.get<{ Params: { id: string } }>("/v1/payments/:id", { schema: paymentRoute }, async (request, reply) => {
    const freshness = readFreshness(request.headers, context);
    const id = parseId("pay", request.params.id);
    if (!id) throw absent("payment");
    const read = await context.models.read(freshness, (view) => readPayment(view, callerOf(request), id));
    if (!read.result) throw absent("payment");
    served(reply, read);
    return paymentBody(toPayment(read.result));
  });

  app.get<{ Querystring: Parameters }>("/v1/payments", { schema: paymentListRoute }, async (request, reply) => {
    const list = readList(request, context);
    const filters = readFilters(request.query);
    const read = await context.models.read(list.freshness, (view) => listPayments(view, list.caller, filters, list));
    served(reply, read);
    return listBody(context, list, read, (row) => paymentBody(toPayment(row)));
  });
}

function readFilters({ account, status, from, to }: Parameters) {
  const id = account === undefined ? undefined : parseId("acct", account);
  if (account !== undefined && !id) throw invalidQuery({ account: "must be the id of an account, acct_…" });
  return { account: id, status, from: instant(from), to: instant(to) };
}
