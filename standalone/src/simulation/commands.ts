import {
  type AccountId,
  type Amount,
  type Caller,
  type ClientCommand,
  type Currency,
  idBody,
  type Micros,
  makeId,
  type OpenAccount,
  type PaymentId,
  parseCurrency,
} from "ledger-core";
import { type AccountBook, type Books, type PaymentBook, spentOn, zoneOffsetsMinutes } from "./auditor/books.ts";
import { LARGEST } from "./auditor/grounds.ts";
import type { Random } from "./random.ts";

export type Wish = { readonly caller: Caller; readonly command: ClientCommand };

const tenants = ["north", "south"];
const rails = ["fps", "card"];

function currency(code: string): Currency {
  const parsed = parseCurrency(code);
  if (!parsed) throw new RangeError(code);
  return parsed;
}
const currencies = [currency("HKD"), currency("HKD"), currency("HKD"), currency("JPY")];

function operator(tenant: string): Caller {
  return { tenant, role: "operator", sub: `op-${tenant}` };
}

/** The accounts that a world begins with: enough of each type to pay one another, limits of every kind. */
export function openings(random: Random): Wish[] {
  const types = ["bank", "wallet", "wallet", "wallet", "merchant", "merchant", "revenue"] as const;
  return tenants.flatMap((tenant) =>
    types.map((type, index) => ({ caller: operator(tenant), command: opening(random, type, `${type}-${index}`) })),
  );
}

function opening(random: Random, type: OpenAccount["accountType"], owner: string): OpenAccount {
  const bounded = type === "wallet" || type === "merchant";
  return {
    type: "OpenAccount",
    accountType: type,
    currency: random.pick(currencies),
    owner,
    displayName: type === "merchant" ? "Shop" : null,
    timeZone: random.pick(Object.keys(zoneOffsetsMinutes)),
    limits: {
      floor: bounded ? random.pick([0n, 0n, -50n]) : null,
      perTransaction: random.chance(0.3) ? 200n : null,
      perDay: random.chance(0.4) ? random.pick([300n, 1000n]) : null,
    },
    metadata: {},
  };
}

/** Something that a client might want now. It looks at the auditor's books for accounts and payments, and for amounts that just fit or just do not. */
export function wish(random: Random, books: Books, now: Micros): Wish {
  const all = [...books.accounts.values()];
  // The ledger's own accounts are not for clients; now and then one tries.
  const accounts = random.chance(0.9) ? all.filter(({ type }) => type !== "clearing") : all;
  const payments = [...books.payments.values()];
  const roll = random.below(100);
  if (roll < 2) {
    return { caller: operator(random.pick(tenants)), command: opening(random, "wallet", `wallet-${random.below(6)}`) };
  }
  if (roll < 5) return accountChange(random, accounts);
  if (roll < 15) return transfer(random, accounts);
  if (roll < 30) return railMovement(random, "TopUpAccount", random.pick(accounts));
  if (roll < 36) return railMovement(random, "PayOut", random.pick(accounts));
  if (roll < 72 || payments.length === 0) return payment(random, accounts, now);
  return paymentStep(random, books, recent(random, payments));
}

/** Mostly of the last few: those still have something to be done with. */
function recent(random: Random, payments: readonly PaymentBook[]): PaymentBook {
  return random.pick(random.chance(0.8) ? payments.slice(-12) : payments);
}

function accountChange(random: Random, accounts: readonly AccountBook[]): Wish {
  const frozen = accounts.filter(({ status }) => status === "frozen");
  const empty = accounts.filter(({ status, posted, held }) => status === "open" && posted === 0n && held === 0n);
  const roll = random.below(10);
  if (roll < 5 && frozen.length > 0) return changeOf(random, "UnfreezeAccount", random.pick(frozen));
  if (roll < 7 && empty.length > 4) return changeOf(random, "CloseAccount", random.pick(empty));
  return changeOf(random, random.pick(["FreezeAccount", "FreezeAccount", "CloseAccount"]), random.pick(accounts));
}

function changeOf(
  random: Random,
  type: "FreezeAccount" | "UnfreezeAccount" | "CloseAccount",
  account: AccountBook,
): Wish {
  return {
    caller: operator(account.tenant),
    command: { type, account: account.id, reason: `case ${random.below(99)}` },
  };
}

function transfer(random: Random, accounts: readonly AccountBook[]): Wish {
  const first = random.pick(accounts);
  const fitting = accounts.filter(({ tenant, currency: kept }) => tenant === first.tenant && kept === first.currency);
  const pool = random.chance(0.95) ? fitting : accounts;
  const legs = Array.from({ length: random.pick([1, 1, 2, 3]) }, (_, index) => {
    const from = index === 0 ? first : random.pick(pool);
    const others = pool.length > 1 && random.chance(0.95) ? pool.filter(({ id }) => id !== from.id) : pool;
    return { from: from.id, to: random.pick(others).id, amount: amountFrom(random, from, 0) };
  });
  const rest = { reference: null, effectiveDate: null, metadata: {} };
  const command = { type: "PostTransfer", legs, currency: currency(first.currency), ...rest } as const;
  return { caller: operator(first.tenant), command };
}

function railMovement(random: Random, type: "TopUpAccount" | "PayOut", account: AccountBook): Wish {
  const huge = random.chance(0.03) ? 900_000_000_000_000_000n : undefined;
  const topUp = BigInt(random.between(1, 400));
  return {
    caller: operator(random.chance(0.98) ? account.tenant : random.pick(tenants)),
    command: {
      type,
      account: account.id,
      amount: huge ?? (type === "TopUpAccount" ? topUp : amountFrom(random, account, 0)),
      currency: random.chance(0.97) ? currency(account.currency) : random.pick(currencies),
      rail: random.pick(rails),
      externalId: null,
    },
  };
}

function payment(random: Random, accounts: readonly AccountBook[], now: Micros): Wish {
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
      expiresAt: manual && random.chance(0.7) ? now + random.pick([20_000, 200_000, 2_000_000, 20_000_000]) : null,
      metadata: {},
    },
  };
}

function paymentStep(random: Random, books: Books, payment: PaymentBook): Wish {
  const { id, held, captured, refunded, tenant } = payment;
  const owner = books.accounts.get(payment.payee)?.owner ?? "";
  const merchant: Caller = { tenant, role: "merchant", sub: owner };
  const caller = random.chance(0.6) ? operator(tenant) : merchant;
  const paymentId = random.chance(0.99) ? id : absentPayment(random);
  const next = held > 0n ? random.pick(["capture", "capture", "void", "refund"]) : random.pick(["refund", "capture"]);
  if (next === "void") return { caller, command: { type: "VoidPayment", payment: paymentId } };
  if (next === "capture") {
    const amount = part(random, held);
    return { caller, command: { type: "CapturePayment", payment: paymentId, amount, final: random.chance(0.4) } };
  }
  const amount = part(random, captured - refunded);
  return { caller, command: { type: "RefundPayment", payment: paymentId, amount, reason: null } };
}

/** All that is left, a part of it, or one too many. */
function part(random: Random, left: Amount): Amount | null {
  const most = left > 0n ? left : 1n;
  return random.pick([null, most, most / 2n > 0n ? most / 2n : 1n, most + 1n]);
}

/** An amount that tries the limits of an account: what it can just give, one more than that, or something small. */
function amountFrom(random: Random, { posted, held, limits, ...account }: AccountBook, at: Micros): Amount {
  const { floor, perTransaction, perDay } = limits;
  const edges: Amount[] = [];
  if (floor !== null) edges.push(posted - held - floor);
  if (perTransaction !== null) edges.push(perTransaction);
  if (perDay !== null) edges.push(perDay - spentOn({ posted, held, limits, ...account }, at));
  if (edges.length > 0 && random.chance(0.35)) {
    const edge = random.pick(edges) + random.pick([0n, 0n, 1n]);
    if (edge > 0n && edge <= LARGEST) return edge;
  }
  return BigInt(random.between(1, 60));
}

function absentAccount(random: Random): AccountId {
  return makeId("acct", idBody(1, { shard: 0, revision: random.below(1000) }, 1));
}

function absentPayment(random: Random): PaymentId {
  return makeId("pay", idBody(1, { shard: 0, revision: random.below(1000) }, 1));
}
