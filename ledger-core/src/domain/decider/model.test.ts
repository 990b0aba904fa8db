import fc from "fast-check";
import { expect, it } from "vitest";
import { auditor } from "../../testing/auditor.ts";
import {
  alice,
  bank,
  bob,
  capture,
  cast,
  close,
  freeze,
  type LegTuple,
  pay,
  payOut,
  refund,
  SECOND_US,
  shop,
  topUp,
  transfer,
  unfreeze,
  voidOf,
} from "../../testing/examples.ts";
import { given } from "../../testing/given.ts";
import type { Command } from "../commands.ts";
import type { LedgerEvent, Posting } from "../events.ts";
import type { PaymentId } from "../ids.ts";
import type { Micros } from "../time.ts";

/** State that a step may use: the clock, and the payments made, newest first. */
type World = { readonly now: Micros; readonly payments: readonly PaymentId[] };
type Step = (world: World) => Command | undefined;

const account = fc.constantFrom(alice, bob, shop, bank);
const amount = fc.oneof(
  { weight: 5, arbitrary: fc.bigInt({ min: 1n, max: 150n }) },
  { weight: 1, arbitrary: fc.bigInt({ min: 1n, max: 3000n }) },
);
const part = fc.option(amount, { nil: null });

/** A command on one of the newest payments. */
function onPayment<T>(args: fc.Arbitrary<T>, command: (payment: PaymentId, args: T) => Command): fc.Arbitrary<Step> {
  return fc.tuple(fc.nat({ max: 5 }), args).map(([n, some]): Step => {
    return ({ payments }) => {
      const payment = payments[n];
      return payment === undefined ? undefined : command(payment, some);
    };
  });
}

const pairs = [alice, bob, shop, bank].flatMap((from) => [alice, bob, shop, bank].map((to) => ({ from, to })));
/** Two accounts, now and then the same. */
const pair = fc.oneof(
  { weight: 15, arbitrary: fc.constantFrom(...pairs.filter(({ from, to }) => from !== to)) },
  { weight: 1, arbitrary: fc.constantFrom(...pairs) },
);
const captureMode = fc.constantFrom("automatic" as const, "manual" as const, "manual" as const);
const nothing = fc.constant(null);
const lifetimeSeconds = fc.constantFrom(60, 900, 7200, 90_000);
const makePayment = fc
  .tuple(pair, amount, captureMode, lifetimeSeconds)
  .map(([{ from, to }, amount, capture, seconds]): Step => {
    return ({ now }) => pay(amount, { payer: from, payee: to, capture, expiresAt: now + seconds * SECOND_US });
  });
const leg = fc.tuple(pair, amount).map(([{ from, to }, amount]): LegTuple => [from, to, amount]);
const legs = fc.array(leg, { minLength: 1, maxLength: 3 });
/** Weighted so that most runs go deep into payments, and some accounts are frozen or closed on the way. */
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: makePayment },
  {
    weight: 9,
    arbitrary: onPayment(fc.tuple(part, fc.boolean()), (id, [amount, final]) => capture(id, amount, final)),
  },
  { weight: 6, arbitrary: onPayment(part, refund) },
  { weight: 2, arbitrary: onPayment(nothing, voidOf) },
  { weight: 2, arbitrary: onPayment(nothing, (id) => ({ type: "ExpirePayment", payment: id })) },
  {
    weight: 4,
    arbitrary: legs.map(
      (tuples): Step =>
        () =>
          transfer(tuples),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(account, amount).map(
      ([id, amount]): Step =>
        () =>
          topUp(amount, { account: id }),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(account, amount).map(
      ([id, amount]): Step =>
        () =>
          payOut(amount, { account: id }),
    ),
  },
  {
    weight: 1,
    arbitrary: account.map(
      (id): Step =>
        () =>
          freeze(id),
    ),
  },
  {
    weight: 3,
    arbitrary: account.map(
      (id): Step =>
        () =>
          unfreeze(id),
    ),
  },
  {
    weight: 1,
    arbitrary: account.map(
      (id): Step =>
        () =>
          close(id),
    ),
  },
);
const waitSeconds = fc.oneof(
  { weight: 30, arbitrary: fc.constant(0) },
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 600 }) },
  { weight: 1, arbitrary: fc.constant(20_000) },
);

/** Skips the start: the auditor takes the opening balances as given and checks that their sum never changes. */
function run(steps: readonly { wait: number; step: Step }[]): void {
  const ledger = given(
    ...cast({
      alice: { posted: 5000n, perTransaction: 1500n, perDay: 4000n },
      bob: { posted: 300n, floor: -200n, timeZone: "America/New_York", perDay: 600n },
    }),
  );
  const audit = auditor();
  for (const event of ledger.events) audit.inspect(event);
  const total = audit.total("HKD");
  for (const { wait, step } of steps) {
    ledger.at(ledger.now() + wait * SECOND_US);
    const payments = [...ledger.state.payments.keys()].reverse();
    const command = step({ now: ledger.now(), payments });
    if (command === undefined) continue;
    const known = ledger.events.length;
    const before = new Map(ledger.state.accounts);
    const decision = ledger.when(command).thenWhatever();
    for (const event of ledger.events.slice(known)) audit.inspect(event);
    if (decision.kind === "refused") expect(new Map(ledger.state.accounts)).toEqual(before);
    for (const { id, balances } of ledger.state.accounts.values()) {
      expect(balances, `${command.type} on ${id}`).toEqual({ posted: audit.posted(id), held: audit.held(id) });
    }
    expect(audit.total("HKD")).toBe(total);
    if (command.type === "MakePayment" && decision.kind === "refused") judge(command, decision.rejection.code);
  }

  /** The auditor confirms a refusal for insufficient funds. */
  function judge({ payer, amount }: { payer: typeof alice; amount: bigint }, code: string): void {
    const floor = ledger.state.account(payer)?.limits.floor ?? null;
    if (code === "insufficient_funds") expect(floor !== null && audit.available(payer) - amount < floor).toBe(true);
  }
}

it("whatever is commanded, every event balances, and no floor, ceiling or amount of a payment is broken", () => {
  const seed = Date.now() % 2 ** 31;
  console.info(`seed of the model: ${seed}`);
  const steps = fc.array(fc.record({ wait: waitSeconds, step }), { minLength: 30, maxLength: 90, size: "max" });
  fc.assert(fc.property(steps, run), { seed, numRuns: 250 });
});

it("the auditor finds planted faults", () => {
  const ledger = given(...cast({ alice: { perTransaction: 100n, perDay: 150n } }));
  const { payment } = ledger.when(pay(100n)).thenAccepted("PaymentCharged").fact;
  ledger.when(refund(payment.id, 40n)).thenAccepted("PaymentRefunded");
  const [, , , , charge, back] = ledger.events;
  if (charge?.fact.type !== "PaymentCharged" || back?.fact.type !== "PaymentRefunded")
    throw new Error("no such events");
  const [debit, credit] = charge.fact.postings;
  if (!debit || !credit) throw new Error("a charge without postings");
  const inspect = (...events: LedgerEvent[]) => {
    const audit = auditor();
    for (const event of [...ledger.events.slice(0, 4), ...events]) audit.inspect(event);
  };
  const charged = charge.fact;
  const refunded = back.fact;
  const withPostings = (...postings: Posting[]) => ({ ...charge, fact: { ...charged, postings } });
  expect(() => inspect(charge, back)).not.toThrow();
  expect(() => inspect(withPostings(debit))).toThrow("sum to -100");
  expect(() => inspect(withPostings(debit, { ...credit, balance: 99n }))).toThrow("its posting says 99");
  expect(() => inspect(charge, { ...charge, fact: { ...charged, postings: again(charged.postings) } })).toThrow(
    "in a day",
  );
  const over = { ...refunded, payment: { ...refunded.payment, refunded: 101n } };
  expect(() => inspect(charge, { ...back, fact: over })).toThrow("refunds more than was captured");
  expect(() => inspect({ ...charge, fact: { ...charged, postings: large(charged.postings) } })).toThrow("at once");
});

/** The same movement once more, and the same of twice the amount. */
const again = (postings: readonly Posting[]) => postings.map((one) => ({ ...one, balance: one.balance + one.amount }));
const large = (postings: readonly Posting[]) => again(postings).map((one) => ({ ...one, amount: 2n * one.amount }));
