import { type PayoutId, parseId, type RefundId, type TopUpId, type TransferId } from "ledger-core";
import { readMovement } from "../queries/movements.ts";
import { answered, behind, type Query, type QueryOutcome } from "../query.ts";
import { payoutRoute, refundRoute, topUpRoute, transferRoute } from "../schemas/movements.ts";
import { absent, type QueryContext, type QueryRoute } from "./context.ts";

type Movement = {
  readonly name: "transfer" | "refund" | "topUp" | "payout";
  readonly url: string;
  readonly schema: object;
  parse(id: string): TransferId | RefundId | TopUpId | PayoutId | undefined;
};

const movements: readonly Movement[] = [
  { name: "transfer", url: "/v1/transfers/:id", schema: transferRoute, parse: (id) => parseId("txf", id) },
  { name: "refund", url: "/v1/refunds/:id", schema: refundRoute, parse: (id) => parseId("rfd", id) },
  { name: "topUp", url: "/v1/top-ups/:id", schema: topUpRoute, parse: (id) => parseId("top", id) },
  { name: "payout", url: "/v1/payouts/:id", schema: payoutRoute, parse: (id) => parseId("pyt", id) },
];

/** GET /v1/transfers/{id}, /v1/refunds/{id}, /v1/top-ups/{id} and /v1/payouts/{id} */
export const movementRoutes: readonly QueryRoute[] = movements.map((movement) => ({
  ...movement,
  lane: "quick",
  stores: ["models"],
  answer: (query, context) => answerMovement(movement, query, context),
}));

async function answerMovement(
  { name, parse }: Movement,
  { caller, id, required }: Query,
  { models }: QueryContext,
): Promise<QueryOutcome> {
  const movement = parse(id);
  if (!movement) throw absent(name);
  const read = await models.read(required, (snapshot) => readMovement(snapshot, caller, movement));
  if (!read) return behind("models", required);
  if (!read.result) throw absent(name);
  // The row holds the command's answer as JSON text: return it unchanged.
  return answered(read.positions, read.result);
}
