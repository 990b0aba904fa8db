import { describe, expect, it } from "vitest";
import {
  alice,
  authorize,
  bob,
  capture,
  cast,
  DAY_US,
  freeze,
  pay,
  refund,
  START,
  shop,
  topUp,
  voidOf,
} from "../testing/examples.ts";
import { given } from "../testing/given.ts";
import { memoryState } from "../testing/memory-state.ts";
import type { Fact, LedgerEvent } from "./events.ts";
import { evolve } from "./evolve.ts";

/** A state with the cast, and the last event of a history that has not been applied to it. */
function before(history: (ledger: ReturnType<typeof given>) => void) {
  const ledger = given(...cast());
  history(ledger);
  const state = memoryState();
  for (const event of ledger.events.slice(0, -1)) evolve(state, event);
  const last = ledger.events.at(-1);
  if (last === undefined) throw new Error("no history");
  return { ledger, state, last };
}

function withFact(event: LedgerEvent, change: (fact: Fact) => Fact): LedgerEvent {
  return { ...event, fact: change(event.fact) };
}

describe("evolve", () => {
  it("comes to the same state from the events as the decisions did", () => {
    const { ledger, state, last } = before((ledger) => {
      const { payment } = ledger.when(authorize(100n)).thenAccepted("PaymentAuthorized").fact;
      ledger.when(capture(payment.id, 60n)).thenAccepted("PaymentCaptured");
      ledger.when(refund(payment.id, 10n)).thenAccepted("PaymentRefunded");
      ledger.when(voidOf(payment.id)).thenAccepted("PaymentVoided");
      ledger.when(topUp(5n)).thenAccepted("TopUpSettled");
      ledger.when(freeze(shop)).thenAccepted("AccountFrozen");
    });
    evolve(state, last);
    expect(state.accounts).toEqual(ledger.state.accounts);
    expect(state.payments).toEqual(ledger.state.payments);
    expect(state.account(alice)?.balances).toEqual({ posted: 9_955n, held: 0n });
  });

  it("refuses postings that do not sum to zero", () => {
    const { state, last } = before((ledger) => ledger.when(pay(10n)).thenAccepted("PaymentCharged"));
    const lame = withFact(last, (fact) =>
      fact.type === "PaymentCharged" ? { ...fact, postings: fact.postings.slice(1) } : fact,
    );
    expect(() => evolve(state, lame)).toThrow("postings sum to 10");
  });

  it("refuses a balance that differs from the state's result", () => {
    const { state, last } = before((ledger) => ledger.when(pay(10n)).thenAccepted("PaymentCharged"));
    evolve(state, last);
    expect(() => evolve(state, last)).toThrow("its posting says 9990");
  });

  it("refuses a hold that differs from the state's result, or falls below zero", () => {
    const { state, last } = before((ledger) => ledger.when(authorize(10n)).thenAccepted("PaymentAuthorized"));
    const negative = withFact(last, (fact) =>
      fact.type === "PaymentAuthorized" ? { ...fact, hold: { account: alice, amount: -10n, held: -10n } } : fact,
    );
    expect(() => evolve(state, negative)).toThrow("would hold -10");
    evolve(state, last);
    expect(() => evolve(state, last)).toThrow("its event says 10");
  });

  it("refuses an account that was never opened, and a change of status that changes a balance", () => {
    const { state, last } = before((ledger) => ledger.when(freeze(bob)).thenAccepted("AccountFrozen"));
    expect(() => evolve(memoryState(), last)).toThrow("was never opened");
    const richer = withFact(last, (fact) =>
      fact.type === "AccountFrozen"
        ? { ...fact, account: { ...fact.account, balances: { posted: 1n, held: 0n } } }
        : fact,
    );
    expect(() => evolve(state, richer)).toThrow("status and balance at once");
  });

  it("counts what was spent a day only where a day has a ceiling, and keeps it over a freeze", () => {
    const ledger = given(...cast({ alice: { perDay: 100n } }));
    ledger.when(pay(30n)).thenAccepted("PaymentCharged");
    ledger.when(pay(20n, { payer: bob })).thenAccepted("PaymentCharged");
    ledger.when(freeze(alice)).thenAccepted("AccountFrozen");
    expect(ledger.state.account(alice)).toMatchObject({ status: "frozen", day: "2026-11-22", spent: 30n });
    expect(ledger.state.account(bob)).toMatchObject({ day: null, spent: 0n });
  });

  it("forgets yesterday's spending with today's first, and not by credits", () => {
    const ledger = given(...cast({ alice: { perDay: 100n } }));
    ledger.when(pay(30n)).thenAccepted("PaymentCharged");
    ledger
      .at(START + DAY_US)
      .when(topUp(5n))
      .thenAccepted("TopUpSettled");
    expect(ledger.state.account(alice)).toMatchObject({ day: "2026-11-22", spent: 30n });
    ledger.when(pay(7n)).thenAccepted("PaymentCharged");
    expect(ledger.state.account(alice)).toMatchObject({ day: "2026-11-23", spent: 7n });
  });

  it("leaves the state unchanged for refusals, epochs and bulks", () => {
    const ledger = given(...cast());
    const accounts = new Map(ledger.state.accounts);
    ledger.when(pay(99_999n)).thenRefused("insufficient_funds");
    const [some] = ledger.events;
    if (some === undefined) throw new Error("no events");
    evolve(ledger.state, { ...some, fact: { type: "WriterEpochStarted", epoch: 1, salt: 2 } });
    evolve(ledger.state, { ...some, fact: { type: "BulkRecorded", mode: "each", faults: [], outcomes: [] } });
    expect(ledger.state.accounts).toEqual(accounts);
    expect(ledger.state.payments.size).toBe(0);
  });
});
