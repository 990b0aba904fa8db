import type { LedgerEvent } from "../domain/events.ts";
import type { AccountId, PaymentId } from "../domain/ids.ts";
import type { Currency } from "../domain/money.ts";
import type { Micros } from "../domain/time.ts";
import * as examples from "./examples.ts";
import { type GivenLedger, given } from "./given.ts";
import { seeded } from "./random-history.ts";

export type ShopHistoryOptions = {
  readonly seed: number;
  /** Time of the first event. */
  readonly startsAt: Micros;
  readonly days: number;
  readonly payments: number;
};

type Shop = { readonly id: AccountId; readonly currency: Currency; readonly taste: number };
type Payer = Shop & { readonly joinsAt: Micros };
type Step = { readonly at: Micros; run(): void };
type Random = (below: number) => number;

const PAYERS = 150;
const SHOPS = 50;
const TASTES = 5;
/** Of five payers and five shops, one is in Japan: nobody can pay in the other currency. */
const TASTE_IN_JAPAN = 4;
const ZONES = ["Asia/Hong_Kong", "Pacific/Auckland", "America/Los_Angeles", "UTC"];
const HOUR_US = 3600 * examples.SECOND_US;
const owner = { tenant: "default", role: "operator", sub: "sample" } as const;

/**
 * Months of payers who keep to shops of their taste and now and then try another one: payments, later captures in
 * parts, voids, refunds in parts and whole, declines, transfers and payouts, decided as the ledger decides them.
 */
export function shopHistory(options: ShopHistoryOptions): readonly LedgerEvent[] {
  const { startsAt, days, payments } = options;
  const random = seeded(options.seed);
  const ledger = given().at(startsAt);
  const shops = Array.from({ length: SHOPS }, (_, n) => openShop(ledger, n));
  const payers = Array.from({ length: PAYERS }, (_, n) => {
    const joinsAt = startsAt + HOUR_US + random(Math.floor((days * 24 * 2) / 3)) * HOUR_US;
    return { ...openPayer(ledger, n), joinsAt };
  });
  const steps: Step[] = payers.flatMap(({ id, currency, joinsAt }) => {
    const amount = 5_000_000n;
    return { at: joinsAt, run: () => void decide(ledger, examples.topUp(amount, { account: id, currency })) };
  });
  const endsAt = startsAt + days * examples.DAY_US;
  for (let n = 0; n < payments; n++) {
    const payer = pick(random, payers);
    const at = payer.joinsAt + 1 + random(Math.floor((endsAt - payer.joinsAt) / 1000)) * 1000;
    steps.push(...visit(ledger, random, { payer, shop: choose(random, shops, payer), at }));
    if (n % 40 === 0) steps.push(...housekeeping(ledger, random, { payers, shop: pick(random, shops), at }));
  }
  const inTime = steps.filter(({ at }) => at < endsAt).toSorted((a, b) => a.at - b.at);
  for (const { at, run } of inTime) {
    ledger.at(at);
    run();
  }
  return ledger.events;
}

function openShop(ledger: GivenLedger, n: number): Shop {
  const taste = n % TASTES;
  const currency = currencyOf(taste);
  const timeZone = taste === TASTE_IN_JAPAN ? "Asia/Tokyo" : (ZONES[n % ZONES.length] ?? "UTC");
  const fields = { accountType: "merchant", owner: `shop-${n}`, displayName: `Shop ${n}`, currency, timeZone } as const;
  const { fact } = ledger.when(examples.open(fields), owner).thenAccepted("AccountOpened");
  return { id: fact.account.id, currency, taste };
}

function openPayer(ledger: GivenLedger, n: number): Shop {
  const taste = n % TASTES;
  const currency = currencyOf(taste);
  const { fact } = ledger.when(examples.open({ owner: `payer-${n}`, currency }), owner).thenAccepted("AccountOpened");
  return { id: fact.account.id, currency, taste };
}

function currencyOf(taste: number): Currency {
  return examples.currencyOf(taste === TASTE_IN_JAPAN ? "JPY" : "HKD");
}

/** A shop of the payer's taste, mostly; the first of the others are the popular ones. */
function choose(random: Random, shops: readonly Shop[], { currency, taste }: Payer): Shop {
  const own = shops.filter((shop) => shop.taste === taste);
  if (random(100) < 85) return pick(random, own);
  const others = shops.filter((shop) => shop.currency === currency);
  return pick(random, others.slice(0, 1 + random(others.length)));
}

type Visit = { readonly payer: Payer; readonly shop: Shop; readonly at: Micros };

/** A payment, and what becomes of it. */
function visit(ledger: GivenLedger, random: Random, { payer, shop, at }: Visit): Step[] {
  let payment: PaymentId = examples.noPayment;
  const amount = random(50) === 0 ? 90_000_000n : BigInt(100 + random(40_000));
  const manual = random(5) === 0;
  const command = manual ? examples.authorize : examples.pay;
  const parties = { payer: payer.id, payee: shop.id, currency: payer.currency };
  const steps: Step[] = [];
  const then = (hours: number, run: () => void) =>
    void steps.push({ at: at + hours * HOUR_US + random(HOUR_US), run: () => payment !== examples.noPayment && run() });
  steps.push({
    at,
    run() {
      payment = decide(ledger, command(amount, parties)) ?? payment;
    },
  });
  if (manual && random(6) === 0) then(20, () => decide(ledger, examples.voidOf(payment)));
  else if (manual) {
    const part = random(3) === 0 ? amount / 3n : null;
    then(1 + random(60), () => decide(ledger, examples.capture(payment, part)));
    if (part !== null) then(70 + random(30), () => decide(ledger, examples.capture(payment, null, true)));
  }
  if (random(10) === 0) {
    const half = random(2) === 0;
    then(110 + random(400), () => decide(ledger, examples.refund(payment, half ? amount / 4n : null)));
    if (half) then(600, () => decide(ledger, examples.refund(payment, amount / 5n)));
  }
  return steps;
}

type Household = { readonly payers: readonly Payer[]; readonly shop: Shop; readonly at: Micros };

/** Movements that are no payments: between payers of one currency, and out of a shop. */
function housekeeping(ledger: GivenLedger, random: Random, { payers, shop, at }: Household): Step[] {
  const { currency } = shop;
  const [from, to] = [pick(random, payers), pick(random, payers)];
  const transfer = examples.transfer([[from.id, to.id, BigInt(1 + random(900))]], { currency: from.currency });
  return [
    { at: at + 1, run: () => void decide(ledger, examples.payOut(500n, { account: shop.id, currency })) },
    { at: at + 2, run: () => void decide(ledger, transfer) },
  ];
}

/** Decides a command and keeps what it recorded, a refusal too; returns the payment that it made. */
function decide(ledger: GivenLedger, command: Parameters<GivenLedger["when"]>[0]): PaymentId | undefined {
  const when = ledger.when(command, owner);
  const decision = when.thenWhatever();
  if (decision.kind === "refused") {
    when.thenRefused(decision.rejection.code);
    return undefined;
  }
  const made = decision.facts.find(({ type }) => type === "PaymentCharged" || type === "PaymentAuthorized");
  return made && "payment" in made && typeof made.payment === "object" ? made.payment.id : undefined;
}

function pick<T>(random: Random, from: readonly T[]): T {
  const chosen = from[random(from.length)];
  if (chosen === undefined) throw new RangeError("nothing to choose from");
  return chosen;
}
