import { openableAccountTypes } from "../domain/account.ts";
import { paymentStatuses } from "../domain/payment.ts";
import { accountId, amount, businessDate, currency, instant, paymentId, signedAmount } from "./field-schemas.ts";

/*
 * JSON schemas of the objects in answers, the same whether a command or a query answers them.
 */

const text = { type: "string" } as const;
const textOrNull = { type: ["string", "null"] } as const;
const total = { type: "string", pattern: "^(?:0|[1-9][0-9]{0,17})$", description: "Minor units as digits." } as const;
const metadata = { type: "object", additionalProperties: text } as const;

function nullable<S extends { readonly type: string }>(schema: S) {
  return { ...schema, type: [schema.type, "null"] } as const;
}

/** An object with exactly these fields, all required. */
function exactly<P extends object>(description: string, properties: P) {
  return {
    type: "object",
    description,
    required: Object.keys(properties),
    properties,
    additionalProperties: false,
  } as const;
}

export const accountSchema = exactly("An account", {
  id: accountId,
  type: { type: "string", enum: [...openableAccountTypes, "clearing", "transit"] },
  currency,
  owner: text,
  displayName: textOrNull,
  timeZone: text,
  status: { type: "string", enum: ["open", "frozen", "closed"] },
  limits: exactly("Ceilings on what leaves the account", {
    floor: nullable(signedAmount),
    perTransaction: nullable(amount),
    perDay: nullable(amount),
  }),
  balances: exactly("What is booked, what of it is held, and what is left", {
    posted: signedAmount,
    held: total,
    available: signedAmount,
  }),
  openedAt: instant,
});

export const revocationSchema = exactly("A revoked token or session", {
  id: text,
  revokedAt: { ...instant, description: "When it was revoked for the first time." },
});

export const paymentSchema = exactly("A payment", {
  id: paymentId,
  payer: accountId,
  payee: accountId,
  amount,
  currency,
  status: { type: "string", enum: paymentStatuses },
  captured: total,
  refunded: total,
  fee: total,
  capture: { type: "string", enum: ["automatic", "manual"] },
  reference: textOrNull,
  metadata,
  createdAt: instant,
  expiresAt: nullable(instant),
});

export const transferSchema = exactly("A transfer", {
  id: text,
  legs: { type: "array", items: exactly("One movement", { from: accountId, to: accountId, amount }) },
  currency,
  reference: textOrNull,
  effectiveDate: nullable(businessDate),
  metadata,
  createdAt: instant,
});

export const refundSchema = exactly("A refund", {
  id: text,
  payment: paymentId,
  amount,
  currency,
  feeReturned: total,
  reason: textOrNull,
  createdAt: instant,
});

const railMovement = {
  id: text,
  account: accountId,
  amount,
  currency,
  rail: text,
  externalId: textOrNull,
  status: { type: "string", enum: ["settled"] },
  createdAt: instant,
};
export const topUpSchema = exactly("A top-up", railMovement);
export const payoutSchema = exactly("A payout", railMovement);

export const problemSchema = {
  type: "object",
  description: "RFC 9457 problem; every code is at /problems",
  required: ["type", "title", "status", "code", "detail", "instance"],
  properties: {
    type: text,
    title: text,
    status: { type: "integer" },
    code: text,
    detail: text,
    instance: text,
    errors: { type: "array", items: exactly("One fault", { pointer: text, detail: text }) },
  },
  additionalProperties: false,
} as const;
