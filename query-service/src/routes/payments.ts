import { parseId, paymentBody } from "ledger-core";
import { listPayments, readPayment } from "../queries/payments.ts";
import { answered, behind, instant, invalidQuery, type Parameters, type Query, type QueryOutcome } from "../query.ts";
import { paymentListRoute, paymentRoute } from "../schemas/payments.ts";
import { absent, type QueryContext, type QueryRoute } from "./context.ts";
import { listBody, readList } from "./lists.ts";

/** GET /v1/payments/{id} and /v1/payments */
export const paymentRoutes: readonly QueryRoute[] = [
  {
    name: "payment",
    url: "/v1/payments/:id",
    schema: paymentRoute,
    lane: "quick",
    stores: ["models"],
    answer: answerPayment,
  },
  {
    name: "payments",
    url: "/v1/payments",
    schema: paymentListRoute,
    lane: "list",
    stores: ["models"],
    answer: answerPayments,
  },
];

async function answerPayment({ caller, id, required }: Query, { models }: QueryContext): Promise<QueryOutcome> {
  const payment = parseId("pay", id);
  if (!payment) throw absent("payment");
  const read = await models.read(required, (snapshot) => readPayment(snapshot, caller, payment));
  if (!read) return behind("models", required);
  if (!read.result) throw absent("payment");
  return answered(read.positions, paymentBody(read.result));
}

async function answerPayments(query: Query, context: QueryContext): Promise<QueryOutcome> {
  const list = readList(query, context);
  const filters = readFilters(query.parameters);
  const read = await context.models.read(list.required, (snapshot) =>
    listPayments(snapshot, query.caller, filters, list),
  );
  if (!read) return behind("models", list.required);
  return answered(read.positions, listBody(context, list, read, paymentBody));
}

function readFilters({ account, status, from, to }: Parameters) {
  const id = account === undefined ? undefined : parseId("acct", account);
  if (account !== undefined && !id) throw invalidQuery({ account: "must be the id of an account, acct_…" });
  return { account: id, status, from: instant(from), to: instant(to) };
}
