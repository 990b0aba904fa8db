import { describe, expect, it } from "vitest";
import {
  alice,
  authorize,
  capture,
  cast,
  close,
  consumer,
  freeze,
  merchant,
  noPayment,
  pay,
  refund,
  SECOND_US,
  START,
  shop,
  stranger,
  topUp,
  voidOf,
} from "../../testing/examples.ts";
import { given } from "../../testing/given.ts";
import type { PaymentId } from "../ids.ts";
import { AMOUNT_MAX } from "../money.ts";

const EXPIRY = START + 60 * SECOND_US;

/** A ledger with an authorization of 100 that expires in a minute. */
function authorized(amount = 100n) {
  const ledger = given(...cast());
  const { payment } = ledger.when(authorize(amount, { expiresAt: EXPIRY })).thenAccepted("PaymentAuthorized").fact;
  return { ledger, payment: payment.id };
}

const expire = (payment: PaymentId) => ({ type: "ExpirePayment", payment }) as const;

describe("capture", () => {
  it("case 5: 40, then 60, then 1 is refused", () => {
    const { ledger, payment } = authorized();
    const first = ledger
      .when(capture(payment, 40n), merchant("sam"))
      .thenAccepted("PaymentCaptured", { released: 0n }).fact;
    expect(first.payment).toMatchObject({ status: "partially_captured", captured: 40n, held: 60n });
    expect(first.hold).toEqual({ account: alice, amount: -40n, held: 60n });
    expect(first.postings).toMatchObject([
      { account: alice, amount: -40n, balance: 9_960n },
      { account: shop, amount: 40n, balance: 40n },
    ]);
    const second = ledger.when(capture(payment, 60n)).thenAccepted("PaymentCaptured").fact;
    expect(second.payment).toMatchObject({ status: "captured", captured: 100n, held: 0n });
    ledger.when(capture(payment, 1n)).thenRefused("payment_not_capturable");
    expect(ledger.events.at(-1)?.fact).toMatchObject({ type: "CaptureDeclined", payment, amount: 1n });
  });

  it("case 5: a final capture of 60 releases 40", () => {
    const { ledger, payment } = authorized();
    const { fact } = ledger
      .when(capture(payment, 60n, true))
      .thenAccepted("PaymentCaptured", { amount: 60n, released: 40n });
    expect(fact.payment).toMatchObject({ status: "captured", captured: 60n, held: 0n });
    expect(fact.hold).toEqual({ account: alice, amount: -100n, held: 0n });
    expect(ledger.state.account(alice)?.balances).toEqual({ posted: 9_940n, held: 0n });
    ledger.when(capture(payment)).thenRefused("payment_not_capturable");
    ledger.when(voidOf(payment)).thenRefused("payment_not_voidable");
  });

  it("takes all that is left when it names no amount", () => {
    const { ledger, payment } = authorized();
    ledger.when(capture(payment, 30n)).thenAccepted("PaymentCaptured");
    ledger.when(capture(payment)).thenAccepted("PaymentCaptured", { amount: 70n, released: 0n });
  });

  it("never takes more than is left", () => {
    const { ledger, payment } = authorized();
    ledger.when(capture(payment, 101n)).thenRefused("capture_exceeds_authorized");
    ledger.when(capture(payment, 40n)).thenAccepted("PaymentCaptured");
    expect(ledger.when(capture(payment, 61n)).thenRefused("capture_exceeds_authorized").detail).toContain("0.60 HKD");
    ledger.when(capture(payment, 0n)).thenRefused("amount_invalid");
  });

  it("works from a frozen payer to a frozen payee, asking neither funds nor ceilings again", () => {
    const ledger = given(...cast({ alice: { posted: 100n, perDay: 100n } }));
    const { payment } = ledger.when(authorize(100n)).thenAccepted("PaymentAuthorized").fact;
    ledger.when(freeze(alice)).thenAccepted("AccountFrozen");
    ledger.when(freeze(shop)).thenAccepted("AccountFrozen");
    ledger.when(capture(payment.id)).thenAccepted("PaymentCaptured");
    expect(ledger.state.account(alice)?.spent).toBe(100n);
  });

  it("cannot reach a payee that was closed; voiding still gives the hold back", () => {
    const { ledger, payment } = authorized();
    ledger.when(close(shop)).thenAccepted("AccountClosed");
    ledger.when(capture(payment)).thenRefused("account_not_open");
    ledger.when(voidOf(payment)).thenAccepted("PaymentVoided", { released: 100n });
  });

  it("cannot reach a payee that was closed; its end still gives the hold back", () => {
    const { ledger, payment } = authorized();
    ledger.when(close(shop)).thenAccepted("AccountClosed");
    const { expiresAt } = ledger.state.payment(payment) ?? {};
    ledger
      .at(expiresAt ?? 0)
      .when(expire(payment))
      .thenAccepted("PaymentExpired", { released: 100n });
  });

  it("cannot take the payee's balance beyond the ledger's bounds", () => {
    const { ledger, payment } = authorized();
    ledger.when(topUp(AMOUNT_MAX, { account: shop })).thenAccepted("TopUpSettled");
    ledger.when(capture(payment)).thenRefused("amount_too_large");
  });

  it("of an automatically captured payment: nothing is left", () => {
    const ledger = given(...cast());
    const { payment } = ledger.when(pay(100n)).thenAccepted("PaymentCharged").fact;
    ledger.when(capture(payment.id)).thenRefused("payment_not_capturable");
    ledger.when(voidOf(payment.id)).thenRefused("payment_not_voidable");
  });
});

describe("void", () => {
  it("case 5: capture against void: the first wins", () => {
    const voided = authorized();
    const { fact } = voided.ledger.when(voidOf(voided.payment), merchant("sam")).thenAccepted("PaymentVoided");
    expect(fact).toMatchObject({ payment: { status: "voided", held: 0n }, released: 100n, hold: { held: 0n } });
    voided.ledger.when(capture(voided.payment)).thenRefused("payment_not_capturable");
    const captured = authorized();
    captured.ledger.when(capture(captured.payment)).thenAccepted("PaymentCaptured");
    captured.ledger.when(voidOf(captured.payment)).thenRefused("payment_not_voidable");
  });

  it("case 13: voiding twice is a conflict and changes nothing", () => {
    const { ledger, payment } = authorized();
    ledger.when(voidOf(payment)).thenAccepted("PaymentVoided");
    const before = ledger.state.account(alice);
    ledger.when(voidOf(payment)).thenRefused("payment_not_voidable");
    expect(ledger.state.account(alice)).toEqual(before);
    expect(ledger.events.at(-1)?.fact).toMatchObject({ type: "VoidDeclined", payment });
  });

  it("releases the uncaptured rest and leaves the payment captured", () => {
    const { ledger, payment } = authorized();
    ledger.when(capture(payment, 40n)).thenAccepted("PaymentCaptured");
    const { fact } = ledger.when(voidOf(payment)).thenAccepted("PaymentVoided", { released: 60n });
    expect(fact.payment).toMatchObject({ status: "captured", captured: 40n, held: 0n });
    expect(ledger.when(capture(payment, 1n)).thenRefused("payment_not_capturable").detail).toContain("released");
    ledger.when(refund(payment)).thenAccepted("PaymentRefunded", { amount: 40n });
    ledger.when(voidOf(payment)).thenRefused("payment_not_voidable");
  });
});

describe("expiry", () => {
  it("case 5: after expiry, by log time, capture and void are refused, before its event and after", () => {
    const { ledger, payment } = authorized();
    ledger
      .at(EXPIRY - 1)
      .when(expire(payment))
      .thenRefused("payment_not_voidable");
    ledger.at(EXPIRY);
    ledger.when(capture(payment)).thenRefused("payment_expired");
    ledger.when(voidOf(payment)).thenRefused("payment_expired");
    const { fact } = ledger.when(expire(payment)).thenAccepted("PaymentExpired", { released: 100n });
    expect(fact.payment).toMatchObject({ status: "expired", held: 0n });
    expect(ledger.state.account(alice)?.balances.held).toBe(0n);
    ledger.when(capture(payment)).thenRefused("payment_expired");
    ledger.when(voidOf(payment)).thenRefused("payment_expired");
    ledger.when(refund(payment)).thenRefused("payment_not_refundable");
    ledger.when(expire(payment)).thenRefused("payment_not_voidable");
  });

  it("can be captured until the last microsecond", () => {
    const { ledger, payment } = authorized();
    ledger
      .at(EXPIRY - 1)
      .when(capture(payment))
      .thenAccepted("PaymentCaptured");
    ledger.at(EXPIRY).when(expire(payment)).thenRefused("payment_not_voidable");
    ledger.when(capture(payment)).thenRefused("payment_not_capturable");
    ledger.when(voidOf(payment)).thenRefused("payment_not_voidable");
  });

  it("of the rest leaves a partially captured payment captured and refundable", () => {
    const { ledger, payment } = authorized();
    ledger.when(capture(payment, 40n)).thenAccepted("PaymentCaptured");
    const { fact } = ledger.at(EXPIRY).when(expire(payment)).thenAccepted("PaymentExpired", { released: 60n });
    expect(fact.payment).toMatchObject({ status: "captured", captured: 40n });
    ledger.when(capture(payment)).thenRefused("payment_expired");
    ledger.when(refund(payment)).thenAccepted("PaymentRefunded", { amount: 40n });
  });

  it("needs no caller that may use the payment, and no such payment is no payment", () => {
    const { ledger, payment } = authorized();
    ledger.at(EXPIRY).when(expire(payment), stranger).thenAccepted("PaymentExpired");
    ledger.when(expire(noPayment)).thenRefused("payment_not_found");
  });
});

it("a payment whose payee is not the caller's is as absent as one that does not exist", () => {
  const { ledger, payment } = authorized();
  const empty = given();
  for (const caller of [merchant("mallory"), consumer("alice"), stranger]) {
    for (const command of [capture(payment), voidOf(payment), refund(payment)]) {
      const foreign = ledger.when(command, caller).thenRefused("payment_not_found");
      expect(foreign).toEqual(empty.when(command, caller).thenRefused("payment_not_found"));
    }
  }
});
