import type { FastifyInstance } from "fastify";
import { type Currency, type PayOut, parseId, type Rejection, type TopUpAccount } from "ledger-core";
import { accountId, amount, currency, freeText, payoutSchema, topUpSchema } from "ledger-core/http/schemas";
import { absentAccount } from "./accounts.ts";
import { type CommandPorts, serveCommand } from "./route.ts";

/** The body of a top-up or a payout: money that a payment rail brings into or out of an account. */
export type RailRequest = {
  readonly account: string;
  readonly amount: string;
  readonly currency: string;
  readonly rail: string;
  readonly externalId?: string;
};

/** The schema of a top-up's or payout's body; each of `rails` has, per tenant and currency, one clearing account. */
export function railRequest(rails: readonly string[]) {
  return {
    type: "object",
    required: ["account", "amount", "currency", "rail"],
    properties: {
      account: accountId,
      amount,
      currency,
      rail: { type: "string", enum: rails, description: "The payment rail; which there are is configuration." },
      externalId: { ...freeText(140), description: "The rail's own identifier of the movement." },
    },
    additionalProperties: false,
  } as const;
}

/** POST /v1/top-ups and /v1/payouts. */
export function serveRailMovements(app: FastifyInstance, ports: CommandPorts, rails: readonly string[]): void {
  const body = railRequest(rails);
  serveCommand<RailRequest>(app, ports, {
    url: "/v1/top-ups",
    command: "TopUpAccount",
    summary: "Bring money from a rail into an account",
    tag: "Top-ups and payouts",
    body,
    status: 201,
    answer: topUpSchema,
    read: readTopUp,
  });
  serveCommand<RailRequest>(app, ports, {
    url: "/v1/payouts",
    command: "PayOut",
    summary: "Pay money out of an account to a rail",
    tag: "Top-ups and payouts",
    body,
    status: 201,
    answer: payoutSchema,
    read: readPayout,
  });
}

export function readTopUp(body: RailRequest): TopUpAccount | Rejection {
  return readMovement("TopUpAccount", body);
}

export function readPayout(body: RailRequest): PayOut | Rejection {
  return readMovement("PayOut", body);
}

function readMovement<T extends "TopUpAccount" | "PayOut">(type: T, body: RailRequest) {
  const account = parseId("acct", body.account);
  if (account === undefined) return absentAccount("/account");
  return {
    type,
    account,
    amount: BigInt(body.amount),
    currency: body.currency as Currency,
    rail: body.rail,
    externalId: body.externalId ?? null,
  };
}
