import { describe, expect, it } from "vitest";
import {
  accountId,
  alice,
  authorize,
  bob,
  capture,
  cast,
  close,
  currencyOf,
  DAY_US,
  freeze,
  pay,
  payOut,
  refund,
  SECOND_US,
  START,
  shop,
  topUp,
  transfer,
} from "../../testing/examples.ts";
import { type GivenLedger, given } from "../../testing/given.ts";
import type { Account } from "../account.ts";
import type { Command } from "../commands.ts";
import type { PaymentId } from "../ids.ts";
import { AMOUNT_MAX } from "../money.ts";
import type { RejectionCode } from "../rejections.ts";
import type { BusinessDate } from "../time.ts";

type Step = readonly [reason: RejectionCode, command: Command];

const JPY = currencyOf("JPY");
const nobody = accountId(77);
const tomorrow = START + DAY_US;
const tooMuch = 10n ** 18n;

/**
 * Each row's command has the row's reason to be refused and every later reason that is compatible with it, and must get
 * the row's: each reason goes before those below it.
 */
function inOrder(ledger: GivenLedger, steps: readonly Step[]): void {
  expect(steps.map(([, command]) => refusalOf(ledger, command))).toEqual(steps.map(([reason]) => reason));
}

/** The refusal of a command, without making it history. */
function refusalOf(ledger: GivenLedger, command: Command): RejectionCode | "accepted" {
  const decision = ledger.try(command);
  return decision.kind === "refused" ? decision.rejection.code : "accepted";
}

function limited(more: Partial<Parameters<typeof cast>[0]> = {}) {
  const alice = { posted: 10n, perTransaction: 50n, perDay: 40n };
  return given(...cast({ alice, shop: { posted: AMOUNT_MAX }, ...more }));
}

describe("a payment is refused for, in this order,", () => {
  it("form, existence, the pair, status, limits, funds, and the bounds of a balance", () => {
    const ledger = limited();
    inOrder(ledger, [
      ["amount_invalid", pay(tooMuch, { expiresAt: START, payer: nobody, payee: nobody, currency: JPY })],
      ["invalid_request", pay(60n, { expiresAt: START, payer: nobody, payee: nobody, currency: JPY })],
      ["account_not_found", pay(60n, { payer: nobody, payee: nobody, currency: JPY })],
      ["same_account", pay(60n, { payee: alice, currency: JPY })],
      ["currency_mismatch", pay(60n, { currency: JPY })],
      ["limit_per_transaction", pay(60n)],
      ["limit_per_day", pay(45n)],
      ["insufficient_funds", pay(35n)],
      ["amount_too_large", pay(5n)],
    ]);
  });

  it("and of status: closed before frozen, the payer before the payee, both before limits", () => {
    const ledger = limited({ shop: { posted: 0n }, bob: { posted: 0n } });
    ledger.when(freeze(alice)).thenAccepted("AccountFrozen");
    inOrder(ledger, [["account_frozen", pay(60n)]]);
    ledger.when(close(shop)).thenAccepted("AccountClosed");
    inOrder(ledger, [
      ["currency_mismatch", pay(60n, { currency: JPY })],
      ["account_not_open", pay(60n)],
      ["account_frozen", pay(60n, { payee: bob })],
    ]);
  });
});

it("a transfer: form, existence, the pair over all legs, status, limits of the sum, then leg by leg", () => {
  const ledger = limited();
  const date = { effectiveDate: "1969-12-31" as BusinessDate };
  inOrder(ledger, [
    ["amount_invalid", transfer([[nobody, nobody, tooMuch]], { ...date, currency: JPY })],
    ["invalid_request", transfer([[nobody, nobody, 60n]], { ...date, currency: JPY })],
    ["account_not_found", transfer([[nobody, nobody, 60n]], { currency: JPY })],
    [
      "same_account",
      transfer(
        [
          [alice, shop, 60n],
          [bob, bob, 1n],
        ],
        { currency: JPY },
      ),
    ],
    ["currency_mismatch", transfer([[alice, shop, 60n]], { currency: JPY })],
    ["limit_per_transaction", transfer([[alice, shop, 60n]])],
    ["limit_per_day", transfer([[alice, shop, 45n]])],
    ["insufficient_funds", transfer([[alice, shop, 35n]])],
    ["amount_too_large", transfer([[alice, shop, 5n]])],
  ]);
  ledger.when(freeze(alice)).thenAccepted("AccountFrozen");
  inOrder(ledger, [
    ["currency_mismatch", transfer([[alice, shop, 60n]], { currency: JPY })],
    ["account_frozen", transfer([[alice, shop, 60n]])],
  ]);
});

it("a payout: form, who is there, currency, status, limits, funds", () => {
  const ledger = limited();
  inOrder(ledger, [
    ["amount_invalid", payOut(0n, { account: nobody, currency: JPY })],
    ["account_not_found", payOut(60n, { account: nobody, currency: JPY })],
    ["currency_mismatch", payOut(60n, { account: alice, currency: JPY })],
    ["limit_per_transaction", payOut(60n, { account: alice })],
    ["limit_per_day", payOut(45n, { account: alice })],
    ["insufficient_funds", payOut(35n, { account: alice })],
  ]);
  ledger.when(freeze(alice)).thenAccepted("AccountFrozen");
  inOrder(ledger, [
    ["currency_mismatch", payOut(60n, { account: alice, currency: JPY })],
    ["account_frozen", payOut(60n, { account: alice })],
  ]);
});

it("a top-up: form, existence, currency, status, the bounds of a balance", () => {
  const ledger = given(...cast({ alice: { posted: AMOUNT_MAX }, bob: { posted: 0n } }));
  inOrder(ledger, [
    ["amount_invalid", topUp(0n, { account: nobody, currency: JPY })],
    ["account_not_found", topUp(5n, { account: nobody, currency: JPY })],
    ["currency_mismatch", topUp(5n, { currency: JPY })],
    ["amount_too_large", topUp(5n)],
  ]);
  ledger.when(close(bob)).thenAccepted("AccountClosed");
  inOrder(ledger, [
    ["currency_mismatch", topUp(5n, { account: bob, currency: JPY })],
    ["account_not_open", topUp(5n, { account: bob })],
  ]);
});

describe("a step of a payment is refused for, in this order,", () => {
  /** A payment of 20 by Bob to the shop, which is then closed. */
  function closedShop() {
    const ledger = given(...cast());
    const { payment } = ledger
      .when(authorize(20n, { payer: bob, expiresAt: tomorrow }))
      .thenAccepted("PaymentAuthorized").fact;
    ledger.when(close(shop)).thenAccepted("AccountClosed");
    return { ledger, id: payment.id };
  }
  const absent = `pay_${"0".repeat(26)}` as PaymentId;

  it("a capture: form, existence, its end, the rest, status", () => {
    const { ledger, id } = closedShop();
    inOrder(ledger, [
      ["amount_invalid", capture(absent, 0n)],
      ["payment_not_found", capture(absent, 21n)],
      ["capture_exceeds_authorized", capture(id, 21n)],
      ["account_not_open", capture(id, 20n)],
    ]);
    ledger.at(tomorrow);
    inOrder(ledger, [["payment_expired", capture(id, 21n)]]);
  });

  it("a refund: form, existence, the rest, status closed before frozen, the bounds of a balance", () => {
    const ledger = given(...cast({ alice: { posted: 20n }, bob: { posted: AMOUNT_MAX - 10n } }));
    const { payment } = ledger.when(pay(20n)).thenAccepted("PaymentCharged").fact;
    const gone = ledger.when(pay(5n, { payer: bob })).thenAccepted("PaymentCharged").fact.payment.id;
    ledger.when(topUp(5n, { account: bob })).thenAccepted("TopUpSettled");
    ledger.when(freeze(shop)).thenAccepted("AccountFrozen");
    inOrder(ledger, [
      ["amount_invalid", refund(absent, 0n)],
      ["payment_not_found", refund(absent, 21n)],
      ["refund_exceeds_captured", refund(payment.id, 21n)],
      ["account_frozen", refund(payment.id, 20n)],
      ["account_frozen", refund(gone, 5n)],
    ]);
    ledger.when(close(alice)).thenAccepted("AccountClosed");
    inOrder(ledger, [["account_not_open", refund(payment.id, 20n)]]);
  });
});

describe("the times that a command names", () => {
  const DAYS_400 = 400 * DAY_US;

  it.each([
    [START - SECOND_US, "invalid_request"],
    [START, "invalid_request"],
    [START + 1, "accepted"],
    [START + DAYS_400, "accepted"],
    [START + DAYS_400 + 1, "invalid_request"],
  ] as const)("an expiresAt of %d is %s, for automatic payments too", (expiresAt, outcome) => {
    const ledger = given(...cast());
    expect(refusalOf(ledger, authorize(1n, { expiresAt }))).toBe(outcome);
    expect(refusalOf(ledger, pay(1n, { expiresAt }))).toBe(outcome);
  });

  it.each([
    ["1969-12-31", "invalid_request"],
    ["1970-01-01", "accepted"],
    ["2027-11-23", "accepted"],
    ["2027-11-24", "invalid_request"],
  ] as const)("an effectiveDate of %s on 2026-11-22 in UTC is %s", (text, outcome) => {
    const effectiveDate = text as BusinessDate;
    const ledger = given(...cast());
    expect(refusalOf(ledger, transfer([[alice, bob, 1n]], { effectiveDate }))).toBe(outcome);
    // Already the next day in Hong Kong, where both accounts are.
    ledger.at(Date.UTC(2026, 10, 22, 23, 59) * 1000);
    expect(refusalOf(ledger, transfer([[alice, bob, 1n]], { effectiveDate }))).toBe(outcome);
  });
});

it("amount_too_large is for a balance that would need more than 18 digits, on either side of zero", () => {
  const bottom: Partial<Account> & { posted: bigint; floor: null } = { posted: -AMOUNT_MAX + 5n, floor: null };
  const ledger = given(...cast({ alice: bottom, shop: { posted: AMOUNT_MAX - 5n } }));
  expect(refusalOf(ledger, pay(6n))).toBe("amount_too_large");
  expect(refusalOf(ledger, pay(5n))).toBe("accepted");
  expect(refusalOf(ledger, pay(6n, { payer: bob }))).toBe("amount_too_large");
  expect(refusalOf(ledger, pay(6n, { payee: bob }))).toBe("amount_too_large");
  expect(refusalOf(ledger, authorize(6n))).toBe("amount_too_large");
});
