import type { LedgerEvent } from "ledger-core";
import { examples, given } from "ledger-core/testing";
import { expect, test } from "vitest";
import { graphProjection } from "./projection.ts";

const { alice, authorize, bob, capture, cast, pay, refund, shop, TENANT, transfer, voidOf } = examples;

const edges = (events: readonly LedgerEvent[]) => events.flatMap((event) => graphProjection.project(event));

test("a payment to a merchant makes an edge that cites its event", () => {
  const ledger = given(...cast());
  const { id, fact } = ledger.when(pay(500n)).thenAccepted("PaymentCharged");
  const payment = fact.payment.id;
  expect(edges(ledger.events)).toEqual([
    { kind: "paid", tenant: TENANT, payment, payer: alice, merchant: shop, event: id },
  ]);
});

test("payments between friends, transfers, top-ups and refusals make none", () => {
  const ledger = given(...cast());
  ledger.when(pay(500n, { payee: bob })).thenAccepted("PaymentCharged");
  ledger.when(transfer([[alice, shop, 5n]])).thenAccepted("TransferPosted");
  ledger.when(pay(99_999n)).thenRefused("insufficient_funds");
  expect(edges(ledger.events)).toEqual([]);
});

test("a hold makes none; its first capture does, and further captures and a void of the rest change nothing", () => {
  const ledger = given(...cast());
  const { payment } = ledger.when(authorize(500n)).thenAccepted("PaymentAuthorized").fact;
  expect(edges(ledger.events)).toEqual([]);
  const { id } = ledger.when(capture(payment.id, 100n)).thenAccepted("PaymentCaptured");
  ledger.when(capture(payment.id, 100n)).thenAccepted("PaymentCaptured");
  ledger.when(voidOf(payment.id)).thenAccepted("PaymentVoided");
  expect(edges(ledger.events)).toMatchObject([{ kind: "paid", payment: payment.id, event: id }]);
});

test("a full refund retracts it, a partial one does not", () => {
  const ledger = given(...cast());
  const { payment } = ledger.when(pay(500n)).thenAccepted("PaymentCharged").fact;
  ledger.when(refund(payment.id, 200n)).thenAccepted("PaymentRefunded");
  expect(edges(ledger.events)).toHaveLength(1);
  const { id } = ledger.when(refund(payment.id)).thenAccepted("PaymentRefunded");
  expect(edges(ledger.events)).toMatchObject([
    { kind: "paid" },
    { kind: "retracted", payment: payment.id, payer: alice, merchant: shop, event: id },
  ]);
});

test("a capture after a full refund of the earlier ones makes the edge again", () => {
  const ledger = given(...cast());
  const { payment } = ledger.when(authorize(500n)).thenAccepted("PaymentAuthorized").fact;
  ledger.when(capture(payment.id, 100n)).thenAccepted("PaymentCaptured");
  ledger.when(refund(payment.id, 100n)).thenAccepted("PaymentRefunded");
  const again = ledger.when(capture(payment.id, 50n)).thenAccepted("PaymentCaptured");
  expect(edges(ledger.events)).toMatchObject([
    { kind: "paid" },
    { kind: "retracted" },
    { kind: "paid", event: again.id },
  ]);
});

test("a frozen, closed or reopened merchant is recorded; other accounts are not", () => {
  const ledger = given(...cast());
  const frozen = ledger.when(examples.freeze(shop)).thenAccepted("AccountFrozen").id;
  const unfrozen = ledger.when(examples.unfreeze(shop)).thenAccepted("AccountUnfrozen").id;
  ledger.when(examples.freeze(bob)).thenAccepted("AccountFrozen");
  expect(edges(ledger.events)).toEqual([
    { kind: "standing", merchant: shop, open: false, event: frozen },
    { kind: "standing", merchant: shop, open: true, event: unfrozen },
  ]);
});
