import { describe, expect, it } from "vitest";
import {
  alice,
  authorize,
  capture,
  cast,
  close,
  freeze,
  merchant,
  pay,
  payOut,
  refund,
  shop,
  topUp,
  transfer,
  unfreeze,
  voidOf,
} from "../../testing/examples.ts";
import { given } from "../../testing/given.ts";
import { AMOUNT_MAX } from "../money.ts";

/** A ledger with 60 captured of an authorization of 100, the rest still held. */
function partlyCaptured() {
  const ledger = given(...cast());
  const { payment } = ledger.when(authorize(100n)).thenAccepted("PaymentAuthorized").fact;
  ledger.when(capture(payment.id, 60n)).thenAccepted("PaymentCaptured");
  return { ledger, payment: payment.id };
}

function charged(amount: bigint) {
  const ledger = given(...cast());
  const { payment } = ledger.when(pay(amount, { reference: "order 17" })).thenAccepted("PaymentCharged").fact;
  return { ledger, payment: payment.id };
}

describe("refund", () => {
  it("gives money back, in parts and in full", () => {
    const { ledger, payment } = charged(100n);
    const part = ledger
      .when({ ...refund(payment, 30n), reason: "cold" }, merchant("sam"))
      .thenAccepted("PaymentRefunded");
    expect(part.fact).toMatchObject({
      refund: `rfd_${part.id.slice(4)}`,
      amount: 30n,
      feeReturned: 0n,
      reason: "cold",
    });
    expect(part.fact.payment).toMatchObject({ status: "partially_refunded", captured: 100n, refunded: 30n });
    expect(part.fact.postings).toMatchObject([
      { account: shop, amount: -30n, balance: 70n },
      { account: alice, amount: 30n, balance: 9_930n },
    ]);
    const rest = ledger.when(refund(payment)).thenAccepted("PaymentRefunded", { amount: 70n });
    expect(rest.fact.payment).toMatchObject({ status: "refunded", refunded: 100n });
  });

  it("case 6: captured 60 of 100: refund 61 is refused, of two refunds of 40 one succeeds", () => {
    const { ledger, payment } = partlyCaptured();
    ledger.when(refund(payment, 61n)).thenRefused("refund_exceeds_captured");
    ledger.when(refund(payment, 40n)).thenAccepted("PaymentRefunded");
    const before = [ledger.state.account(alice), ledger.state.account(shop)];
    const { detail } = ledger.when(refund(payment, 40n)).thenRefused("refund_exceeds_captured");
    expect(detail).toContain("0.20 HKD");
    expect([ledger.state.account(alice), ledger.state.account(shop)]).toEqual(before);
    expect(ledger.events.at(-1)?.fact).toMatchObject({ type: "RefundDeclined", payment, amount: 40n });
  });

  it("case 13: a second refund of the same amount is a conflict and changes nothing", () => {
    const { ledger, payment } = charged(100n);
    ledger.when(refund(payment)).thenAccepted("PaymentRefunded");
    ledger.when(refund(payment)).thenRefused("payment_not_refundable");
    ledger.when(refund(payment, 1n)).thenRefused("payment_not_refundable");
    expect(ledger.state.account(alice)?.balances.posted).toBe(10_000n);
  });

  it("needs something captured", () => {
    const ledger = given(...cast());
    const { payment } = ledger.when(authorize(100n)).thenAccepted("PaymentAuthorized").fact;
    expect(ledger.when(refund(payment.id)).thenRefused("payment_not_refundable").detail).toContain("captured");
    ledger.when(voidOf(payment.id)).thenAccepted("PaymentVoided");
    ledger.when(refund(payment.id)).thenRefused("payment_not_refundable");
    ledger.when(refund(payment.id, 0n)).thenRefused("amount_invalid");
  });

  it("may take the payee below its floor after a payout, beside its ceilings; then nothing else leaves", () => {
    const ledger = given(...cast({ shop: { perTransaction: 100n, perDay: 100n } }));
    const { payment } = ledger.when(pay(150n)).thenAccepted("PaymentCharged").fact;
    ledger.when(payOut(100n)).thenAccepted("PayoutSettled");
    const { fact } = ledger.when(refund(payment.id)).thenAccepted("PaymentRefunded", { amount: 150n });
    expect(fact.postings[0]).toMatchObject({ account: shop, balance: -100n });
    ledger.when(payOut(1n)).thenRefused("limit_per_day");
    ledger
      .at(ledger.now() + 86_400_000_000)
      .when(payOut(1n))
      .thenRefused("insufficient_funds");
    ledger.when(transfer([[shop, alice, 1n]])).thenRefused("insufficient_funds");
  });

  it("does not leave a frozen payee, and reaches a frozen payer", () => {
    const { ledger, payment } = charged(100n);
    ledger.when(freeze(shop)).thenAccepted("AccountFrozen");
    ledger.when(refund(payment)).thenRefused("account_frozen");
    ledger.when(unfreeze(shop)).thenAccepted("AccountUnfrozen");
    ledger.when(freeze(alice)).thenAccepted("AccountFrozen");
    ledger.when(refund(payment)).thenAccepted("PaymentRefunded");
  });

  it("neither leaves nor reaches a closed account", () => {
    const payee = charged(100n);
    payee.ledger.when(payOut(100n)).thenAccepted("PayoutSettled");
    payee.ledger.when(close(shop)).thenAccepted("AccountClosed");
    payee.ledger.when(refund(payee.payment)).thenRefused("account_not_open");
    const payer = charged(10_000n);
    payer.ledger.when(close(alice)).thenAccepted("AccountClosed");
    payer.ledger.when(refund(payer.payment)).thenRefused("account_not_open");
  });

  it("cannot take a balance beyond the ledger's bounds", () => {
    const { ledger, payment } = charged(100n);
    ledger.when(topUp(AMOUNT_MAX - 9_900n)).thenAccepted("TopUpSettled");
    ledger.when(refund(payment)).thenRefused("amount_too_large");
  });
});

describe("refund while a part is still held", () => {
  it("is partially refunded after any refund, since more may be captured", () => {
    const { ledger, payment } = partlyCaptured();
    const all = ledger.when(refund(payment)).thenAccepted("PaymentRefunded", { amount: 60n });
    expect(all.fact.payment).toMatchObject({ status: "partially_refunded", held: 40n });
    const more = ledger.when(capture(payment, 15n)).thenAccepted("PaymentCaptured");
    expect(more.fact.payment).toMatchObject({ status: "partially_refunded", captured: 75n, held: 25n });
    ledger.when(refund(payment, 16n)).thenRefused("refund_exceeds_captured");
    const end = ledger.when(voidOf(payment)).thenAccepted("PaymentVoided", { released: 25n });
    expect(end.fact.payment.status).toBe("partially_refunded");
    expect(ledger.when(refund(payment)).thenAccepted("PaymentRefunded", { amount: 15n }).fact.payment.status).toBe(
      "refunded",
    );
  });

  it("is refunded once the rest is released and all captured was given back", () => {
    const { ledger, payment } = partlyCaptured();
    ledger.when(refund(payment)).thenAccepted("PaymentRefunded");
    expect(ledger.when(voidOf(payment)).thenAccepted("PaymentVoided").fact.payment.status).toBe("refunded");
    ledger.when(capture(payment)).thenRefused("payment_not_capturable");
    expect(ledger.state.account(alice)?.balances).toEqual({ posted: 10_000n, held: 0n });
  });
});
