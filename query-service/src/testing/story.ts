import { type Caller, type LedgerEvent, type Micros, parseBusinessDate } from "ledger-core";
import { examples, given } from "ledger-core/testing";

const { START, SECOND_US, account, alice, authorize, bank, bob, opened, operator, pay, payOut, refund, shop } =
  examples;

export const foreigner: Caller = examples.stranger;

/** The instant of the nth step of the story. */
export function step(n: number): Micros {
  return START + n * SECOND_US;
}

/** A time after everything in the story. */
export const storyEnd: Micros = step(60);

const friday = parseBusinessDate("2026-11-20") ?? undefined;

/**
 * Alice and Bob (wallets), Sam's shop, a bank, and an account of another tenant. The bank gives Alice 5000, two days
 * back; she pays the shop 1200, of which 200 come back; the shop holds 800 of Bob's and takes 300; Alice tops up 50;
 * the shop is paid out 100; Bob is frozen.
 */
export function tellStory() {
  const ledger = given(
    opened(account(1, "wallet", "alice")),
    opened(account(2, "wallet", "bob")),
    opened(account(3, "merchant", "sam")),
    opened(account(4, "bank", "bank")),
    opened(account(5, "wallet", "alice")),
  );
  const effectiveDate = friday ?? null;
  const transfer = ledger
    .at(step(10))
    .when(
      examples.transfer(
        [
          [bank, alice, 5000n],
          [bank, bob, 1000n],
        ],
        { effectiveDate, reference: "salary", metadata: { run: "11" } },
      ),
    )
    .thenAccepted("TransferPosted");
  const payment = ledger
    .at(step(20))
    .when(pay(1200n, { reference: "INV-1" }))
    .thenAccepted("PaymentCharged");
  const refunded = ledger.at(step(21)).when(refund(payment.fact.payment.id, 200n)).thenAccepted("PaymentRefunded");
  const hold = ledger
    .at(step(30))
    .when(authorize(800n, { payer: bob }))
    .thenAccepted("PaymentAuthorized");
  const captured = ledger
    .at(step(31))
    .when(examples.capture(hold.fact.payment.id, 300n))
    .thenAccepted("PaymentCaptured");
  const topUp = ledger
    .at(step(40))
    .when(examples.topUp(50n, { externalId: "FPS-7" }))
    .thenAccepted("TopUpSettled");
  const payout = ledger.at(step(41)).when(payOut(100n)).thenAccepted("PayoutSettled");
  ledger.at(step(50)).when(examples.freeze(bob), operator).thenAccepted("AccountFrozen");
  const events: readonly LedgerEvent[] = ledger.events;
  return { ledger, events, transfer, payment, refunded, hold, captured, topUp, payout, shop };
}

export type Story = ReturnType<typeof tellStory>;
