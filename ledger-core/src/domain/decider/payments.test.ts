import { describe, expect, it } from "vitest";
import {
  account,
  accountId,
  alice,
  authorize,
  bob,
  cast,
  close,
  consumer,
  currencyOf,
  DAY_US,
  freeze,
  HKD,
  merchant,
  opened,
  pay,
  START,
  shop,
  stranger,
  TENANT,
  topUp,
} from "../../testing/examples.ts";
import { given } from "../../testing/given.ts";
import { AUTHORIZATION_LIFETIME_US } from "../commands.ts";
import { AMOUNT_MAX } from "../money.ts";

const byAlice = consumer("alice");

describe("an automatic payment", () => {
  it("is charged in one event", () => {
    const command = pay(1250n, { reference: "order 17", metadata: { table: "4" } });
    const { fact, id } = given(...cast())
      .when(command, byAlice)
      .thenAccepted("PaymentCharged");
    expect(fact.payment).toEqual({
      id: `pay_${id.slice(4)}`,
      tenant: TENANT,
      payer: alice,
      payee: shop,
      payeeType: "merchant",
      amount: 1250n,
      currency: HKD,
      status: "captured",
      captured: 1250n,
      refunded: 0n,
      held: 0n,
      fee: 0n,
      capture: "automatic",
      reference: "order 17",
      metadata: { table: "4" },
      createdAt: START,
      expiresAt: null,
      spentOn: null,
    });
    expect(fact.postings).toEqual([
      { account: alice, amount: -1250n, balance: 8750n, date: "2026-11-22" },
      { account: shop, amount: 1250n, balance: 1250n, date: "2026-11-22" },
    ]);
  });

  it("never expires, yet a time that has passed is a fault", () => {
    const ledger = given(...cast());
    const { fact } = ledger.when(pay(1n, { expiresAt: START + 1 })).thenAccepted("PaymentCharged");
    expect(fact.payment.expiresAt).toBeNull();
    expect(ledger.when(pay(1n, { expiresAt: START })).thenRefused("invalid_request").pointer).toBe("/expiresAt");
  });
});

describe("an authorization", () => {
  it("holds the amount and moves nothing", () => {
    const ledger = given(...cast());
    const { fact } = ledger.when(authorize(4000n), byAlice).thenAccepted("PaymentAuthorized");
    expect(fact.payment).toMatchObject({ status: "authorized", held: 4000n, captured: 0n, capture: "manual" });
    expect(fact.hold).toEqual({ account: alice, amount: 4000n, held: 4000n });
    expect(ledger.state.account(alice)?.balances).toEqual({ posted: 10_000n, held: 4000n });
  });

  it("expires at the requested time, or after seven days", () => {
    const ledger = given(...cast());
    const byDefault = ledger.when(authorize(1n)).thenAccepted("PaymentAuthorized").fact.payment;
    expect(byDefault.expiresAt).toBe(START + AUTHORIZATION_LIFETIME_US);
    const told = ledger.when(authorize(1n, { expiresAt: START + 1 })).thenAccepted("PaymentAuthorized").fact.payment;
    expect(told.expiresAt).toBe(START + 1);
    ledger.when(authorize(1n, { expiresAt: START })).thenRefused("invalid_request");
    ledger.when(authorize(1n, { expiresAt: START - 1 })).thenRefused("invalid_request");
  });

  it("case 4: balance 5000, six holds of 1000: the sixth is refused", () => {
    const ledger = given(...cast({ alice: { posted: 5000n } }));
    for (let n = 1; n <= 5; n++) ledger.when(authorize(1000n)).thenAccepted("PaymentAuthorized");
    ledger.when(authorize(1000n)).thenRefused("insufficient_funds");
    expect(ledger.state.account(alice)?.balances).toEqual({ posted: 5000n, held: 5000n });
  });

  it("cannot hold more than the ledger can count", () => {
    const ledger = given(...cast({ alice: { floor: null, posted: 0n } }));
    ledger.when(authorize(AMOUNT_MAX)).thenAccepted("PaymentAuthorized");
    ledger.when(authorize(1n)).thenRefused("amount_too_large");
    ledger.when(pay(1n)).thenRefused("amount_too_large");
  });
});

describe("funds and limits", () => {
  it("case 4: a hundred debits of 1 on 50: exactly fifty succeed", () => {
    const ledger = given(...cast({ alice: { posted: 50n } }));
    const decisions = Array.from({ length: 100 }, () => ledger.when(pay(1n)).thenWhatever().kind);
    expect(decisions.filter((kind) => kind === "accepted")).toHaveLength(50);
    expect(decisions.slice(50)).toEqual(Array(50).fill("refused"));
  });

  it("a floor below zero is credit, a null floor has no end", () => {
    const credit = given(...cast({ alice: { posted: 0n, floor: -100n } }));
    credit.when(pay(101n)).thenRefused("insufficient_funds");
    credit.when(pay(100n)).thenAccepted("PaymentCharged");
    given(...cast({ alice: { posted: 0n, floor: null } }))
      .when(pay(AMOUNT_MAX))
      .thenAccepted("PaymentCharged");
  });

  it("a refusal for lack of funds is a fact, and so is the payment that comes after a top-up", () => {
    const ledger = given(...cast({ alice: { posted: 10n } }));
    const { detail } = ledger.when(pay(11n), byAlice).thenRefused("insufficient_funds");
    expect(detail).toContain("0.10 HKD");
    expect(ledger.events.at(-1)?.fact).toEqual({
      type: "PaymentDeclined",
      code: "insufficient_funds",
      detail,
      payer: alice,
      payee: shop,
      amount: 11n,
      currency: HKD,
      capture: "automatic",
    });
    ledger.when(topUp(1n)).thenAccepted("TopUpSettled");
    ledger.when(pay(11n), byAlice).thenAccepted("PaymentCharged");
  });

  it("ceilings count payments and authorizations of the account's own day", () => {
    const ledger = given(...cast({ alice: { perTransaction: 60n, perDay: 100n } }));
    ledger.when(pay(61n)).thenRefused("limit_per_transaction");
    ledger.when(pay(60n)).thenAccepted("PaymentCharged");
    ledger.when(authorize(41n)).thenRefused("limit_per_day");
    ledger.when(authorize(40n)).thenAccepted("PaymentAuthorized");
    ledger.when(pay(1n)).thenRefused("limit_per_day");
    // 16:00 UTC is midnight in Hong Kong.
    const midnight = Date.UTC(2026, 10, 22, 16) * 1000;
    ledger
      .at(midnight - 1)
      .when(pay(1n))
      .thenRefused("limit_per_day");
    ledger.at(midnight).when(pay(60n)).thenAccepted("PaymentCharged");
    ledger.when(pay(41n)).thenRefused("limit_per_day");
    ledger
      .at(START + 5 * DAY_US)
      .when(pay(60n))
      .thenAccepted("PaymentCharged");
  });

  it("the payee's balance has an end", () => {
    const ledger = given(...cast({ shop: { posted: AMOUNT_MAX } }));
    ledger.when(pay(1n)).thenRefused("amount_too_large");
    ledger.when(authorize(1n)).thenAccepted("PaymentAuthorized");
  });
});

describe("who and whom", () => {
  it("refuses one account on both sides, other currencies and impossible amounts", () => {
    const ledger = given(...cast(), opened(account(5, "merchant", "yen", { currency: currencyOf("JPY") })));
    ledger.when(pay(1n, { payee: alice })).thenRefused("same_account");
    ledger.when(pay(1n, { payee: accountId(5) })).thenRefused("currency_mismatch");
    ledger.when(pay(1n, { currency: currencyOf("JPY") })).thenRefused("currency_mismatch");
    for (const amount of [0n, -1n, AMOUNT_MAX + 1n]) {
      expect(ledger.when(pay(amount)).thenRefused("amount_invalid").pointer).toBe("/amount");
    }
  });

  it("pays a frozen account, never a closed one, never from either", () => {
    const ledger = given(...cast({ bob: { posted: 0n } }));
    ledger.when(freeze(shop)).thenAccepted("AccountFrozen");
    ledger.when(pay(1n)).thenAccepted("PaymentCharged");
    ledger.when(pay(1n, { payer: shop, payee: alice })).thenRefused("account_frozen");
    ledger.when(close(bob)).thenAccepted("AccountClosed");
    ledger.when(pay(1n, { payee: bob })).thenRefused("account_not_open");
    ledger.when(pay(1n, { payer: bob })).thenRefused("account_not_open");
  });

  it("a payer that is not the caller's is as absent as one that does not exist", () => {
    const ledger = given(...cast());
    for (const caller of [consumer("bob"), merchant("sam"), stranger]) {
      const foreign = ledger.when(pay(1n), caller).thenRefused("account_not_found");
      expect(foreign).toEqual(given().when(pay(1n), caller).thenRefused("account_not_found"));
    }
    expect(ledger.events).toHaveLength(4);
  });

  it("pays a friend, and anyone of the tenant; neither the ledger's own accounts nor another tenant's", () => {
    const ledger = given(
      ...cast(),
      opened(account(5, "clearing", "rail:fps", { timeZone: "UTC" })),
      opened(account(6, "wallet", "carl", { tenant: "tenant-b" })),
    );
    ledger.when(pay(1n, { payee: bob }), byAlice).thenAccepted("PaymentCharged");
    ledger.when(pay(1n, { payee: accountId(5) }), byAlice).thenRefused("account_not_found");
    ledger.when(pay(1n, { payer: accountId(5) })).thenRefused("account_not_found");
    ledger.when(pay(1n, { payee: accountId(6) }), byAlice).thenRefused("account_not_found");
  });
});
