import { describe, expect, it } from "vitest";
import {
  alice,
  authorize,
  bank,
  bob,
  capture,
  cast,
  DAY_US,
  pay,
  payOut,
  refund,
  SECOND_US,
  START,
  shop,
  transfer,
  voidOf,
} from "../../testing/examples.ts";
import { given } from "../../testing/given.ts";
import { memoryState } from "../../testing/memory-state.ts";
import type { Fact, LedgerEvent } from "../events.ts";
import { evolve } from "../evolve.ts";
import type { BusinessDate } from "../time.ts";

/** 16:00 UTC is midnight in Hong Kong. */
const MIDNIGHT = Date.UTC(2026, 10, 22, 16) * 1000;
const TODAY = "2026-11-22" as BusinessDate;

/** Alice may spend 100 a day. */
function ceiling() {
  const ledger = given(...cast({ alice: { perDay: 100n }, shop: { perDay: 100n, posted: 1000n } }));
  const authorized = (amount: bigint, expiresAt: number | null = null) =>
    ledger.when(authorize(amount, { expiresAt })).thenAccepted("PaymentAuthorized").fact.payment.id;
  const left = () => {
    const account = ledger.state.account(alice);
    return 100n - (account?.day === TODAY ? account.spent : 0n);
  };
  return { ledger, authorized, left };
}

describe("perDay counts", () => {
  it("payments, authorizations, payouts and transfers of one business day as one sum", () => {
    const { ledger, authorized } = ceiling();
    ledger.when(pay(20n)).thenAccepted("PaymentCharged");
    authorized(20n);
    ledger.when(payOut(20n, { account: alice })).thenAccepted("PayoutSettled");
    ledger.when(transfer([[alice, bob, 20n]])).thenAccepted("TransferPosted");
    ledger.when(transfer([[alice, bob, 10n]], { effectiveDate: "2026-01-01" as BusinessDate }));
    ledger.when(pay(21n)).thenRefused("limit_per_day");
    ledger.when(pay(20n)).thenAccepted("PaymentCharged");
    ledger.when(pay(1n)).thenRefused("limit_per_day");
  });

  it("a transfer on the day it is made, whatever its effective date", () => {
    const { ledger, left } = ceiling();
    for (const effectiveDate of ["2026-11-21", "2026-11-23"] as BusinessDate[]) {
      ledger.when(transfer([[alice, bob, 30n]], { effectiveDate })).thenAccepted("TransferPosted", {
        spentOn: [{ account: alice, day: TODAY }],
      });
    }
    expect(left()).toBe(40n);
    ledger
      .when(transfer([[alice, bob, 41n]], { effectiveDate: "2026-11-23" as BusinessDate }))
      .thenRefused("limit_per_day");
  });

  it("neither refunds nor captures", () => {
    const { ledger, authorized } = ceiling();
    const payment = authorized(100n);
    ledger.when(capture(payment)).thenAccepted("PaymentCaptured");
    ledger.when(refund(payment, 90n)).thenAccepted("PaymentRefunded");
    ledger.when(payOut(100n)).thenAccepted("PayoutSettled");
    ledger.when(refund(payment, 10n)).thenAccepted("PaymentRefunded");
    ledger.when(payOut(1n)).thenRefused("limit_per_day");
    ledger.when(pay(1n)).thenRefused("limit_per_day");
  });
});

describe("given back to perDay on the same business day is", () => {
  it("what is voided", () => {
    const { ledger, authorized, left } = ceiling();
    const payment = authorized(60n);
    ledger.when(voidOf(payment)).thenAccepted("PaymentVoided", { sameDay: true });
    expect(left()).toBe(100n);
    ledger.when(pay(100n)).thenAccepted("PaymentCharged");
    ledger.when(pay(1n)).thenRefused("limit_per_day");
  });

  it("what is left of a partially captured payment when it is voided", () => {
    const { ledger, authorized, left } = ceiling();
    const payment = authorized(60n);
    ledger.when(capture(payment, 25n)).thenAccepted("PaymentCaptured", { sameDay: false });
    expect(left()).toBe(40n);
    const { fact } = ledger.when(voidOf(payment)).thenAccepted("PaymentVoided", { released: 35n, sameDay: true });
    expect(fact.payment.status).toBe("captured");
    expect(left()).toBe(75n);
  });

  it("what expires", () => {
    const { ledger, authorized, left } = ceiling();
    const payment = authorized(60n, START + SECOND_US);
    ledger
      .at(START + SECOND_US)
      .when({ type: "ExpirePayment", payment })
      .thenAccepted("PaymentExpired", { sameDay: true });
    expect(left()).toBe(100n);
  });

  it("what a final capture leaves", () => {
    const { ledger, authorized, left } = ceiling();
    ledger.when(capture(authorized(60n), 25n, true)).thenAccepted("PaymentCaptured", { released: 35n, sameDay: true });
    expect(left()).toBe(75n);
    ledger.when(pay(76n)).thenRefused("limit_per_day");
    ledger.when(pay(75n)).thenAccepted("PaymentCharged");
  });

  it("up to the last moment of the day, in the payer's time zone", () => {
    const { ledger, authorized } = ceiling();
    const payment = authorized(60n);
    ledger
      .at(MIDNIGHT - 1)
      .when(voidOf(payment))
      .thenAccepted("PaymentVoided", { sameDay: true });
    ledger.when(pay(100n)).thenAccepted("PaymentCharged");
  });
});

describe("not given back is", () => {
  it("what is released on a later day: neither to that day nor to the one before", () => {
    const { ledger, authorized } = ceiling();
    const [first, second, third] = [authorized(30n), authorized(30n), authorized(30n, MIDNIGHT + SECOND_US)];
    ledger.at(MIDNIGHT).when(voidOf(first)).thenAccepted("PaymentVoided", { sameDay: false });
    ledger.when(pay(50n)).thenAccepted("PaymentCharged");
    ledger.when(capture(second, 1n, true)).thenAccepted("PaymentCaptured", { released: 29n, sameDay: false });
    ledger
      .at(MIDNIGHT + SECOND_US)
      .when({ type: "ExpirePayment", payment: third })
      .thenAccepted("PaymentExpired", { sameDay: false });
    ledger.when(pay(51n)).thenRefused("limit_per_day");
    ledger.when(pay(50n)).thenAccepted("PaymentCharged");
  });

  it("what an account without a ceiling released", () => {
    const ledger = given(...cast());
    const { payment } = ledger.when(authorize(60n)).thenAccepted("PaymentAuthorized").fact;
    expect(payment.spentOn).toBeNull();
    ledger.when(voidOf(payment.id)).thenAccepted("PaymentVoided", { sameDay: false });
    expect(ledger.state.account(alice)).toMatchObject({ day: null, spent: 0n });
  });
});

describe("perTransaction bounds", () => {
  it("what one command debits from the account, all legs together, payouts too, refunds not", () => {
    const ledger = given(...cast({ alice: { perTransaction: 50n }, shop: { perTransaction: 50n } }));
    const split = (first: bigint, second: bigint) =>
      transfer([
        [alice, bob, first],
        [bank, alice, 1000n],
        [alice, shop, second],
      ]);
    ledger.when(split(25n, 26n)).thenRefused("limit_per_transaction");
    ledger.when(split(25n, 25n)).thenAccepted("TransferPosted");
    ledger.when(payOut(51n, { account: alice })).thenRefused("limit_per_transaction");
    ledger.when(authorize(51n)).thenRefused("limit_per_transaction");
    const { payment } = ledger.when(pay(60n, { payer: bob })).thenAccepted("PaymentCharged").fact;
    ledger.when(refund(payment.id, 60n)).thenAccepted("PaymentRefunded");
  });
});

describe("the business day that was decided is replayed", () => {
  /** Alice's use of her day after these events, the last of them changed. */
  function replayed(events: readonly LedgerEvent[], change: (fact: Fact) => Fact) {
    const state = memoryState();
    for (const [index, event] of events.entries()) {
      evolve(state, index === events.length - 1 ? { ...event, fact: change(event.fact) } : event);
    }
    const { day, spent } = state.account(alice) ?? {};
    return { day, spent };
  }
  const moved = "2026-11-23" as BusinessDate;

  it("whatever zone rules say of its time today", () => {
    const { ledger, authorized } = ceiling();
    authorized(60n);
    expect(
      replayed(ledger.events, (fact) =>
        fact.type === "PaymentAuthorized" ? { ...fact, payment: { ...fact.payment, spentOn: moved } } : fact,
      ),
    ).toEqual({ day: moved, spent: 60n });
  });

  it("of a transfer with an effective date, too", () => {
    const { ledger } = ceiling();
    ledger.when(transfer([[alice, bob, 30n]], { effectiveDate: TODAY })).thenAccepted("TransferPosted");
    expect(
      replayed(ledger.events, (fact) =>
        fact.type === "TransferPosted" ? { ...fact, spentOn: [{ account: alice, day: moved }] } : fact,
      ),
    ).toEqual({ day: moved, spent: 30n });
  });

  it.each(["PaymentCharged", "PayoutSettled", "TransferPosted"] as const)(
    "of a %s by the date of its posting",
    (type) => {
      const { ledger } = ceiling();
      const commands = {
        PaymentCharged: pay(30n),
        PayoutSettled: payOut(30n, { account: alice }),
        TransferPosted: transfer([[alice, bob, 30n]]),
      };
      ledger.when(commands[type]).thenAccepted(type);
      expect(
        replayed(ledger.events, (fact) =>
          fact.type === type
            ? { ...fact, postings: fact.postings.map((posting) => ({ ...posting, date: moved })) }
            : fact,
        ),
      ).toEqual({ day: moved, spent: 30n });
    },
  );

  it("and where an old event does not tell it, is what it was: by zone rules", () => {
    const { ledger, authorized } = ceiling();
    authorized(60n);
    const undated = (fact: Fact): Fact => {
      if (fact.type === "PaymentAuthorized") return { ...fact, payment: { ...fact.payment, spentOn: null } };
      return fact.type === "TransferPosted" ? { ...fact, spentOn: null } : fact;
    };
    expect(replayed(ledger.events, undated)).toEqual({ day: TODAY, spent: 60n });
    ledger
      .when(transfer([[alice, bob, 30n]], { effectiveDate: "2026-11-01" as BusinessDate }))
      .thenAccepted("TransferPosted");
    expect(replayed(ledger.events, undated)).toEqual({ day: TODAY, spent: 90n });
  });

  it("an authorization whose event is older than the note of its day is given back when released on that day", () => {
    const { ledger, authorized } = ceiling();
    const payment = ledger.state.payment(authorized(60n));
    if (!payment) throw new Error("no payment");
    ledger.state.putPayment({ ...payment, spentOn: null });
    ledger.when(voidOf(payment.id)).thenAccepted("PaymentVoided", { sameDay: true });
    expect(ledger.state.account(shop)?.balances.posted).toBe(1000n);
  });

  it("a state that was spent less than is given back is damaged", () => {
    const { ledger, authorized } = ceiling();
    ledger.when(voidOf(authorized(60n))).thenAccepted("PaymentVoided");
    const [last] = ledger.events.slice(-1);
    const account = ledger.state.account(alice);
    if (!last || !account) throw new Error("no event");
    ledger.state.moveAccount(account, { balances: { posted: 10_000n, held: 60n }, day: TODAY, spent: 59n });
    expect(() => evolve(ledger.state, last)).toThrow("spent 59 and is given back 60");
  });
});

it("a ceiling is over after a day", () => {
  const { ledger } = ceiling();
  ledger.when(pay(100n)).thenAccepted("PaymentCharged");
  ledger
    .at(START + DAY_US)
    .when(pay(100n))
    .thenAccepted("PaymentCharged");
});
