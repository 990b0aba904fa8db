import type { FastifyInstance, FastifyRequest } from "fastify";
import { type PayoutId, parseId, type RefundId, type TopUpId, type TransferId } from "ledger-core";
import { callerOf } from "ledger-core/http";
import { readFreshness } from "../positions.ts";
import { readMovement } from "../queries/movements.ts";
import { payoutRoute, refundRoute, topUpRoute, transferRoute } from "../schemas/movements.ts";
import { absent, type QueryContext, served } from "./context.ts";

type Movement = {
  readonly object: "transfer" | "refund" | "topUp" | "payout";
  readonly url: string;
  readonly schema: object;
  parse(id: string): TransferId | RefundId | TopUpId | PayoutId | undefined;
};

const movements: readonly Movement[] = [
  { object: "transfer", url: "/v1/transfers/:id", schema: transferRoute, parse: (id) => parseId("txf", id) },
  { object: "refund", url: "/v1/refunds/:id", schema: refundRoute, parse: (id) => parseId("rfd", id) },
  { object: "topUp", url: "/v1/top-ups/:id", schema: topUpRoute, parse: (id) => parseId("top", id) },
  { object: "payout", url: "/v1/payouts/:id", schema: payoutRoute, parse: (id) => parseId("pyt", id) },
];

/** GET /v1/transfers/{id}, /v1/refunds/{id}, /v1/top-ups/{id} and /v1/payouts/{id} */
export function serveMovements(app: FastifyInstance, context: QueryContext): void {
  for (const { object, url, schema, parse } of movements) {
    app.get(url, { schema }, async (request: FastifyRequest<{ Params: { id: string } }>, reply) => {
      const freshness = readFreshness(request.headers, context);
      const id = parse(request.params.id);
      if (!id) throw absent(object);
      const read = await context.models.read(freshness, (view) => readMovement(view, callerOf(request), id));
      if (!read.result) throw absent(object);
      served(reply, read);
      // The row holds the answer that the command got, as text: it is handed on as it is.
      return reply.type("application/json; charset=utf-8").send(Buffer.from(read.result.body));
    });
  }
}
