import { type AccountId, type Amount, type Caller, idBody, type Micros, makeId, type PaymentId } from "ledger-core";
import type { AccountBook, AuditBooks, PaymentBook } from "../auditor/books.ts";
import type { Random } from "../random.ts";
import { amountFrom, currency, operator, type Wish } from "./wishes.ts";

/** Usually a short time; also the longest allowed, and one that is too long. */
const lifetimesUs = [
  20_000, 200_000, 2_000_000, 20_000_000, 20_000, 200_000, 2_000_000, 34_560_000_000_000, 34_560_000_060_000,
];

export function payment(random: Random, accounts: readonly AccountBook[], now: Micros): Wish {
  const payer = random.pick(accounts);
  const fitting = accounts.filter(({ tenant, currency: kept }) => tenant === payer.tenant && kept === payer.currency);
  const others = fitting.length > 1 && random.chance(0.95) ? fitting.filter(({ id }) => id !== payer.id) : fitting;
  const payee = random.chance(0.97) ? random.pick(others) : random.pick(accounts);
  const manual = random.chance(0.5);
  const own: Caller = { tenant: payer.tenant, role: "consumer", sub: payer.owner };
  return {
    caller: random.chance(0.5) ? own : operator(payer.tenant),
    command: {
      type: "MakePayment",
      payer: random.chance(0.99) ? payer.id : absentAccount(random),
      payee: payee.id,
      amount: amountFrom(random, payer, now),
      currency: currency(payer.currency),
      capture: manual ? "manual" : "automatic",
      reference: null,
      expiresAt: manual && random.chance(0.7) ? now + random.pick(lifetimesUs) : null,
      metadata: {},
    },
  };
}

export function paymentStep(random: Random, books: AuditBooks, payment: PaymentBook): Wish {
  const { id, held, captured, refunded, tenant } = payment;
  const owner = books.accounts.get(payment.payee)?.owner ?? "";
  const merchant: Caller = { tenant, role: "merchant", sub: owner };
  const caller = random.chance(0.6) ? operator(tenant) : merchant;
  const paymentId = random.chance(0.98) ? id : absentPayment(random, books);
  const next = held > 0n ? random.pick(["capture", "capture", "void", "refund"]) : random.pick(["refund", "capture"]);
  if (next === "void") return { caller, command: { type: "VoidPayment", payment: paymentId } };
  if (next === "capture") {
    const amount = part(random, held);
    return { caller, command: { type: "CapturePayment", payment: paymentId, amount, final: random.chance(0.4) } };
  }
  const amount = part(random, captured - refunded);
  return { caller, command: { type: "RefundPayment", payment: paymentId, amount, reason: null } };
}

/** The whole rest, a part of it, or one unit too many. */
function part(random: Random, left: Amount): Amount | null {
  const most = left > 0n ? left : 1n;
  return random.pick([null, most, most / 2n > 0n ? most / 2n : 1n, most + 1n]);
}

function absentAccount(random: Random): AccountId {
  return makeId("acct", idBody(1, { shard: 0, revision: random.below(1000) }, 1));
}

/** A payment that never existed or was declined. */
function absentPayment(random: Random, { declined }: AuditBooks): PaymentId {
  if (declined.length > 0 && random.chance(0.5)) return random.pick(declined);
  return makeId("pay", idBody(1, { shard: 0, revision: random.below(1000) }, 1));
}
