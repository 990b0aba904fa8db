import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { entriesOf } from "../domain/entries.ts";
import { postingsOf } from "../domain/events.ts";
import { parseBusinessDate } from "../domain/time.ts";
import {
  alice,
  authorize,
  capture,
  cast,
  HKD,
  pay,
  payOut,
  refund,
  START,
  shop,
  TENANT,
  topUp,
  transfer,
} from "../testing/examples.ts";
import { anyFact } from "../testing/facts.ts";
import { given } from "../testing/given.ts";
import {
  accountBody,
  entryBody,
  paymentBody,
  paymentText,
  payoutBody,
  refundBody,
  topUpBody,
  transferBody,
} from "./bodies.ts";

const now = "2026-11-22T08:30:00.000000Z";

describe("bodies", () => {
  it("an account shows its available amount", () => {
    const ledger = given(...cast({ alice: { perDay: 9007199254740993n, floor: -5n } }));
    ledger.when(authorize(100n)).thenAccepted("PaymentAuthorized");
    const state = ledger.state.account(alice);
    if (state === undefined) throw new Error("no account");
    expect(accountBody(state)).toEqual({
      id: alice,
      type: "wallet",
      currency: "HKD",
      owner: "alice",
      displayName: null,
      timeZone: "Asia/Hong_Kong",
      status: "open",
      limits: { floor: "-5", perTransaction: null, perDay: "9007199254740993" },
      balances: { posted: "10000", held: "100", available: "9900" },
      openedAt: "2026-11-21T08:30:00.000000Z",
    });
  });

  it("a payment shows neither tenant nor hold", () => {
    const { payment } = given(...cast())
      .when(authorize(100n, { reference: "room 4", metadata: { k: "v" }, expiresAt: START + 1 }))
      .thenAccepted("PaymentAuthorized").fact;
    expect(paymentBody(payment)).toEqual({
      id: payment.id,
      payer: alice,
      payee: shop,
      amount: "100",
      currency: "HKD",
      status: "authorized",
      captured: "0",
      refunded: "0",
      fee: "0",
      capture: "manual",
      reference: "room 4",
      metadata: { k: "v" },
      createdAt: now,
      expiresAt: "2026-11-22T08:30:00.000001Z",
    });
    expect(paymentBody({ ...payment, expiresAt: null }).expiresAt).toBeNull();
  });

  it("a payment written as text equals its serialized body, whatever it holds", () => {
    const anyPayment = anyFact.filter((fact) => "payment" in fact && typeof fact.payment !== "string");
    fc.assert(
      fc.property(anyPayment, (fact) => {
        if (!("payment" in fact) || typeof fact.payment === "string") throw new Error("a fact without a payment");
        expect(paymentText(fact.payment)).toBe(JSON.stringify(paymentBody(fact.payment)));
      }),
    );
  });

  it("a transfer, a refund, a top-up and a payout", () => {
    const ledger = given(...cast());
    const effectiveDate = parseBusinessDate("2026-10-31") ?? null;
    const moved = ledger.when(transfer([[alice, shop, 500n]], { effectiveDate })).thenAccepted("TransferPosted");
    expect(transferBody(moved)).toEqual({
      id: moved.fact.transfer,
      legs: [{ from: alice, to: shop, amount: "500" }],
      currency: HKD,
      reference: null,
      effectiveDate: "2026-10-31",
      metadata: {},
      createdAt: now,
    });
    const { payment } = ledger.when(pay(100n)).thenAccepted("PaymentCharged").fact;
    const back = ledger.when({ ...refund(payment.id, 40n), reason: "late" }).thenAccepted("PaymentRefunded");
    expect(refundBody(back)).toEqual({
      id: back.fact.refund,
      payment: payment.id,
      amount: "40",
      currency: "HKD",
      feeReturned: "0",
      reason: "late",
      createdAt: now,
    });
    const rail = { currency: "HKD", rail: "fps", status: "settled", createdAt: now };
    const into = ledger.when(topUp(7n, { externalId: "x-1" })).thenAccepted("TopUpSettled");
    expect(topUpBody(into)).toEqual({ id: into.fact.topUp, account: alice, amount: "7", externalId: "x-1", ...rail });
    const out = ledger.when(payOut(9n)).thenAccepted("PayoutSettled");
    expect(payoutBody(out)).toEqual({ id: out.fact.payout, account: shop, amount: "9", externalId: null, ...rail });
  });
});

describe("entries", () => {
  it("one a posting, as its account sees it", () => {
    const event = given(...cast())
      .when(pay(1250n, { reference: "order 17" }))
      .thenAccepted("PaymentCharged");
    const [debit, credit] = entriesOf(event);
    expect(debit).toMatchObject({ tenant: TENANT, account: alice, amount: -1250n, counterparty: shop });
    expect(credit && entryBody(credit)).toEqual({
      id: `ent_${event.id.slice(4, 24)}000001`,
      account: shop,
      amount: "1250",
      balanceAfter: "1250",
      currency: "HKD",
      type: "payment",
      bookedAt: now,
      effectiveDate: "2026-11-22",
      counterparty: alice,
      reference: "order 17",
      source: { kind: "payment", id: event.fact.payment.id },
      position: "0:4",
    });
  });

  it("name the object they come from and what its client called it", () => {
    const ledger = given(...cast());
    const { payment } = ledger.when(authorize(100n, { reference: "room 4" })).thenAccepted("PaymentAuthorized").fact;
    const captured = ledger.when(capture(payment.id)).thenAccepted("PaymentCaptured");
    const refunded = ledger.when(refund(payment.id, 10n)).thenAccepted("PaymentRefunded");
    const moved = ledger.when(transfer([[alice, shop, 1n]], { reference: "rent" })).thenAccepted("TransferPosted");
    const into = ledger.when(topUp(7n, { externalId: "x-1" })).thenAccepted("TopUpSettled");
    const out = ledger.when(payOut(9n)).thenAccepted("PayoutSettled");
    const seen = [captured, refunded, moved, into, out].map((event) => {
      const [first] = entriesOf(event);
      return [first?.type, first?.source, first?.reference];
    });
    expect(seen).toEqual([
      ["payment", { kind: "payment", id: payment.id }, "room 4"],
      ["refund", { kind: "refund", id: refunded.fact.refund }, "room 4"],
      ["transfer", { kind: "transfer", id: moved.fact.transfer }, "rent"],
      ["top-up", { kind: "top-up", id: into.fact.topUp }, "x-1"],
      ["payout", { kind: "payout", id: out.fact.payout }, null],
    ]);
  });

  it("of several legs pair each debit with its own credit", () => {
    const event = given(...cast())
      .when(
        transfer([
          [alice, shop, 1n],
          [shop, alice, 1n],
          [alice, shop, 2n],
        ]),
      )
      .thenAccepted("TransferPosted");
    const entries = entriesOf(event);
    expect(new Set(entries.map(({ id }) => id)).size).toBe(6);
    for (const { account, counterparty } of entries) expect([account, counterparty].toSorted()).toEqual([alice, shop]);
  });

  it("are as many as an event's postings, and none if it moves no money", () => {
    const origin = { tenant: TENANT, sub: "s", key: null, print: null };
    const [event] = given(...cast()).events;
    if (event === undefined) throw new Error("no event");
    fc.assert(
      fc.property(anyFact, (fact) => {
        expect(entriesOf({ ...event, origin, fact })).toHaveLength(postingsOf(fact).length);
      }),
    );
  });
});
