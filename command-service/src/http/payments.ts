import type { FastifyInstance } from "fastify";
import {
  type ClientCommand,
  type Currency,
  type MakePayment,
  type Metadata,
  type PaymentId,
  parseId,
  parseInstant,
  type Rejection,
  reject,
} from "ledger-core";
import { accountId, amount, currency, instant, metadata, paymentSchema, reference } from "ledger-core/http/schemas";
import { absentAccount } from "./accounts.ts";
import { type CommandPorts, serveCommand } from "./route.ts";

export type PaymentRequest = {
  readonly payer: string;
  readonly payee: string;
  readonly amount: string;
  readonly currency: string;
  readonly capture?: "automatic" | "manual";
  readonly reference?: string;
  readonly expiresAt?: string;
  readonly metadata?: Metadata;
};

export const paymentRequest = {
  type: "object",
  required: ["payer", "payee", "amount", "currency"],
  properties: {
    payer: accountId,
    payee: accountId,
    amount,
    currency,
    capture: { type: "string", enum: ["automatic", "manual"], description: "automatic by default." },
    reference,
    expiresAt: { ...instant, description: "When an authorization is released by itself; 7 days from now by default." },
    metadata,
  },
  additionalProperties: false,
} as const;

const captureRequest = {
  type: "object",
  properties: {
    amount: { ...amount, description: "All that is left by default." },
    final: { type: "boolean", description: "Release what is not captured with it." },
  },
  additionalProperties: false,
} as const;

/** POST /v1/payments, and the payee's captures and voids. */
export function servePayments(app: FastifyInstance, ports: CommandPorts): void {
  const shared = { tag: "Payments", answer: paymentSchema } as const;
  serveCommand<PaymentRequest>(app, ports, {
    ...shared,
    url: "/v1/payments",
    command: "MakePayment",
    summary: "Pay, or authorize a payment to be captured later",
    body: paymentRequest,
    status: 201,
    read: readPayment,
  });
  serveCommand<{ readonly amount?: string; readonly final?: boolean }>(app, ports, {
    ...shared,
    url: "/v1/payments/:id/capture",
    command: "CapturePayment",
    summary: "Capture what is authorized, or a part of it",
    body: captureRequest,
    bodyOptional: true,
    status: 200,
    read: (body, id) =>
      withPayment(id, (payment) => ({
        type: "CapturePayment",
        payment,
        amount: body.amount === undefined ? null : BigInt(body.amount),
        final: body.final ?? false,
      })),
  });
  serveCommand<object>(app, ports, {
    ...shared,
    url: "/v1/payments/:id/void",
    command: "VoidPayment",
    summary: "Release what is authorized and not captured",
    body: { type: "object", additionalProperties: false },
    bodyOptional: true,
    status: 200,
    read: (_body, id) => withPayment(id, (payment) => ({ type: "VoidPayment", payment })),
  });
}

export function readPayment(body: PaymentRequest): MakePayment | Rejection {
  const payer = parseId("acct", body.payer);
  const payee = parseId("acct", body.payee);
  if (payer === undefined) return absentAccount("/payer");
  if (payee === undefined) return absentAccount("/payee");
  return {
    type: "MakePayment",
    payer,
    payee,
    amount: BigInt(body.amount),
    currency: body.currency as Currency,
    capture: body.capture ?? "automatic",
    reference: body.reference ?? null,
    expiresAt: parseInstant(body.expiresAt) ?? null,
    metadata: body.metadata ?? {},
  };
}

/** Makes a command on a payment; a malformed id is answered like an absent payment. */
export function withPayment(text: string, command: (payment: PaymentId) => ClientCommand): ClientCommand | Rejection {
  const payment = parseId("pay", text);
  if (payment !== undefined) return command(payment);
  return reject("payment_not_found", "There is no payment of this id that you may act on; check the id.");
}
