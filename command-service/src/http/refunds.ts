import type { FastifyInstance } from "fastify";
import { amount, freeText, refundSchema } from "ledger-core/http/schemas";
import { withPayment } from "./payments.ts";
import { type CommandPorts, serveCommand } from "./route.ts";

const refundRequest = {
  type: "object",
  properties: { amount: { ...amount, description: "All that is left by default." }, reason: freeText(500) },
  additionalProperties: false,
} as const;

/** POST /v1/payments/{id}/refunds. */
export function serveRefunds(app: FastifyInstance, ports: CommandPorts): void {
  serveCommand<{ readonly amount?: string; readonly reason?: string }>(app, ports, {
    url: "/v1/payments/:id/refunds",
    command: "RefundPayment",
    summary: "Give back what was captured, or a part of it",
    tag: "Refunds",
    body: refundRequest,
    bodyOptional: true,
    status: 201,
    answer: refundSchema,
    read: (body, id) =>
      withPayment(id, (payment) => ({
        type: "RefundPayment",
        payment,
        amount: body.amount === undefined ? null : BigInt(body.amount),
        reason: body.reason ?? null,
      })),
  });
}
