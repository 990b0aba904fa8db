import type { FastifyInstance } from "fastify";
import {
  type BusinessDate,
  type Currency,
  type Leg,
  type Metadata,
  type PostTransfer,
  parseId,
  type Rejection,
} from "ledger-core";
import {
  accountId,
  amount,
  businessDate,
  currency,
  metadata,
  reference,
  transferSchema,
} from "ledger-core/http/schemas";
import { absentAccount } from "./accounts.ts";
import { type CommandPorts, serveCommand } from "./route.ts";

export type TransferRequest = {
  readonly legs: readonly { readonly from: string; readonly to: string; readonly amount: string }[];
  readonly currency: string;
  readonly reference?: string;
  readonly effectiveDate?: string;
  readonly metadata?: Metadata;
};

export const transferRequest = {
  type: "object",
  required: ["legs", "currency"],
  properties: {
    legs: {
      type: "array",
      minItems: 1,
      maxItems: 100,
      items: {
        type: "object",
        required: ["from", "to", "amount"],
        properties: { from: accountId, to: accountId, amount },
        additionalProperties: false,
      },
    },
    currency,
    reference,
    effectiveDate: businessDate,
    metadata,
  },
  additionalProperties: false,
} as const;

/** POST /v1/transfers: money between accounts, all legs or none. */
export function serveTransfers(app: FastifyInstance, ports: CommandPorts): void {
  serveCommand<TransferRequest>(app, ports, {
    url: "/v1/transfers",
    command: "PostTransfer",
    summary: "Move money between accounts, all legs or none",
    tag: "Transfers",
    body: transferRequest,
    status: 201,
    answer: transferSchema,
    read: readTransfer,
  });
}

export function readTransfer(body: TransferRequest): PostTransfer | Rejection {
  const legs: Leg[] = [];
  for (const [index, leg] of body.legs.entries()) {
    const from = parseId("acct", leg.from);
    const to = parseId("acct", leg.to);
    if (from === undefined) return absentAccount(`/legs/${index}/from`);
    if (to === undefined) return absentAccount(`/legs/${index}/to`);
    legs.push({ from, to, amount: BigInt(leg.amount) });
  }
  return {
    type: "PostTransfer",
    legs,
    currency: body.currency as Currency,
    reference: body.reference ?? null,
    effectiveDate: (body.effectiveDate as BusinessDate | undefined) ?? null,
    metadata: body.metadata ?? {},
  };
}
