import { type BusinessDate, type Micros, type OpenAccount, parseBusinessDate } from "ledger-core";
import { type AccountBook, type AuditBooks, type PaymentBook, zoneOffsetsMinutes } from "../auditor/books.ts";
import type { Random } from "../random.ts";
import { payment, paymentStep } from "./payment-commands.ts";
import { amountFrom, currency, operator, type Wish } from "./wishes.ts";

const tenants = ["north", "south"];
const rails = ["fps", "card"];

const currencies = [currency("HKD"), currency("HKD"), currency("HKD"), currency("JPY")];

/** The accounts that a world starts with: enough of each type to pay one another, with limits of every kind. */
export function openings(random: Random): Wish[] {
  const types = ["bank", "wallet", "wallet", "wallet", "merchant", "merchant", "revenue"] as const;
  return tenants.flatMap((tenant) =>
    types.map((type, index) => ({ caller: operator(tenant), command: opening(random, type, `${type}-${index}`) })),
  );
}

/** A new account, with limits of any kind. */
export function opening(random: Random, type: OpenAccount["accountType"], owner: string): OpenAccount {
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

/**
 * A command that a client might send now. Uses the auditor's books to pick accounts and payments, and amounts that just
 * fit or just do not.
 */
export function wish(random: Random, books: AuditBooks, now: Micros): Wish {
  const all = [...books.accounts.values()];
  // The ledger's own accounts are off limits to clients; sometimes one tries.
  const accounts = random.chance(0.9) ? all.filter(({ type }) => type !== "clearing") : all;
  const payments = [...books.payments.values()];
  const roll = random.below(100);
  if (roll < 2) {
    return { caller: operator(random.pick(tenants)), command: opening(random, "wallet", `wallet-${random.below(6)}`) };
  }
  if (roll < 5) return accountChange(random, accounts);
  if (roll < 15) return transfer(random, accounts, now);
  if (roll < 30) return railMovement(random, "TopUpAccount", random.pick(accounts));
  if (roll < 36) return railMovement(random, "PayOut", random.pick(accounts));
  if (roll < 72 || payments.length === 0) return payment(random, accounts, now);
  return paymentStep(random, books, recent(random, payments));
}

/** Usually one of the last few, since those can still change. */
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

function transfer(random: Random, accounts: readonly AccountBook[], now: Micros): Wish {
  const first = random.pick(accounts);
  const fitting = accounts.filter(({ tenant, currency: kept }) => tenant === first.tenant && kept === first.currency);
  const pool = random.chance(0.95) ? fitting : accounts;
  const legs = Array.from({ length: random.pick([1, 1, 2, 3]) }, (_, index) => {
    const from = index === 0 ? first : random.pick(pool);
    const others = pool.length > 1 && random.chance(0.95) ? pool.filter(({ id }) => id !== from.id) : pool;
    return { from: from.id, to: random.pick(others).id, amount: amountFrom(random, from, 0) };
  });
  const rest = { reference: null, effectiveDate: random.chance(0.2) ? dateFrom(random, now) : null, metadata: {} };
  const command = { type: "PostTransfer", legs, currency: currency(first.currency), ...rest } as const;
  return { caller: operator(first.tenant), command };
}

/** A date around today, or at the limits of the allowed range. */
function dateFrom(random: Random, now: Micros): BusinessDate | null {
  const days = random.pick([-20_000, -3, -1, 0, 1, 40, 366, 367]);
  const date = random.chance(0.05) ? "1969-12-31" : new Date(now / 1000 + days * 86_400_000).toISOString().slice(0, 10);
  return parseBusinessDate(date) ?? null;
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
