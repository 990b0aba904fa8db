import { describe, expect, it } from "vitest";
import {
  alice,
  authorize,
  cast,
  close,
  consumer,
  currencyOf,
  freeze,
  HKD,
  merchant,
  payOut,
  service,
  shop,
  stranger,
  TENANT,
  topUp,
} from "../../testing/examples.ts";
import { given } from "../../testing/given.ts";
import { AMOUNT_MAX } from "../money.ts";

describe("a top-up", () => {
  it("opens the rail's clearing account when it is the first, as a condition of its own event", () => {
    const ledger = given(...cast());
    const { fact, id } = ledger.when(topUp(500n, { externalId: "fps-1" }), service).thenAccepted("TopUpSettled");
    const opening = ledger.events.at(-2)?.fact;
    const clearing = ledger.state.clearing(TENANT, "fps", HKD);
    expect(opening).toMatchObject({
      type: "AccountOpened",
      account: { id: clearing, type: "clearing", owner: "rail:fps", timeZone: "UTC", limits: { floor: null } },
    });
    expect(fact).toMatchObject({ topUp: `top_${id.slice(4)}`, account: alice, rail: "fps", externalId: "fps-1" });
    expect(fact.postings).toEqual([
      { account: clearing, amount: -500n, balance: -500n, date: "2026-11-22" },
      { account: alice, amount: 500n, balance: 10_500n, date: "2026-11-22" },
    ]);
  });

  it("uses one clearing account a rail and currency", () => {
    const ledger = given(...cast());
    ledger.when(topUp(500n)).thenAccepted("TopUpSettled");
    ledger.when(topUp(500n)).thenAccepted("TopUpSettled");
    ledger.when(topUp(1n, { rail: "card" })).thenAccepted("TopUpSettled");
    expect(ledger.events.filter(({ fact }) => fact.type === "AccountOpened")).toHaveLength(4 + 2);
    const clearing = ledger.state.clearing(TENANT, "fps", HKD);
    expect(clearing && ledger.state.account(clearing)?.balances.posted).toBe(-1000n);
  });

  it("reaches a frozen account and not a closed one", () => {
    const ledger = given(...cast());
    ledger.when(freeze(alice)).thenAccepted("AccountFrozen");
    ledger.when(topUp(1n)).thenAccepted("TopUpSettled");
    ledger.when(close(shop)).thenAccepted("AccountClosed");
    ledger.when(topUp(1n, { account: shop })).thenRefused("account_not_open");
    expect(ledger.events.at(-1)?.fact).toMatchObject({ type: "TopUpDeclined", account: shop, rail: "fps" });
  });

  it("is refused in another currency, beyond the largest balance, and to the ledger's own accounts", () => {
    const ledger = given(...cast({ alice: { posted: AMOUNT_MAX } }));
    ledger.when(topUp(1n, { currency: currencyOf("JPY") })).thenRefused("currency_mismatch");
    ledger.when(topUp(1n)).thenRefused("amount_too_large");
    ledger.when(topUp(0n)).thenRefused("amount_invalid");
    ledger.when(topUp(1n, { account: shop })).thenAccepted("TopUpSettled");
    const clearing = ledger.state.clearing(TENANT, "fps", HKD) ?? alice;
    ledger.when(topUp(1n, { account: clearing })).thenRefused("account_not_found");
    ledger.when(topUp(1n), stranger).thenRefused("account_not_found");
  });

  it("refused, opens no clearing account", () => {
    const ledger = given(...cast());
    ledger.when(topUp(1n, { currency: currencyOf("JPY") })).thenRefused("currency_mismatch");
    expect(ledger.state.clearing(TENANT, "fps", HKD)).toBeUndefined();
  });
});

describe("a payout", () => {
  it("moves money to the clearing account of its rail", () => {
    const ledger = given(...cast({ shop: { posted: 900n } }));
    const { fact, id } = ledger
      .when(payOut(400n, { externalId: "out-1" }), merchant("sam"))
      .thenAccepted("PayoutSettled");
    const clearing = ledger.state.clearing(TENANT, "fps", HKD);
    expect(fact).toMatchObject({ payout: `pyt_${id.slice(4)}`, account: shop, externalId: "out-1" });
    expect(fact.postings).toEqual([
      { account: shop, amount: -400n, balance: 500n, date: "2026-11-22" },
      { account: clearing, amount: 400n, balance: 400n, date: "2026-11-22" },
    ]);
  });

  it("pays out the available amount, not the held one, within the ceilings", () => {
    const ledger = given(...cast({ alice: { posted: 100n, perTransaction: 70n, perDay: 90n } }));
    ledger.when(authorize(30n)).thenAccepted("PaymentAuthorized");
    ledger.when(payOut(71n, { account: alice })).thenRefused("limit_per_transaction");
    ledger.when(payOut(61n, { account: alice })).thenRefused("limit_per_day");
    ledger.when(payOut(60n, { account: alice })).thenAccepted("PayoutSettled");
    const broke = given(...cast());
    broke.when(payOut(1n)).thenRefused("insufficient_funds");
    expect(broke.events.at(-1)?.fact).toMatchObject({ type: "PayoutDeclined", account: shop, amount: 1n });
  });

  it("is refused from frozen and closed accounts and in another currency", () => {
    const ledger = given(...cast({ shop: { posted: 900n } }));
    ledger.when(payOut(1n, { currency: currencyOf("USD") })).thenRefused("currency_mismatch");
    ledger.when(payOut(0n)).thenRefused("amount_invalid");
    ledger.when(freeze(shop)).thenAccepted("AccountFrozen");
    ledger.when(payOut(1n)).thenRefused("account_frozen");
    const closed = given(...cast());
    closed.when(close(shop)).thenAccepted("AccountClosed");
    closed.when(payOut(1n)).thenRefused("account_not_open");
  });

  it("keeps the clearing account within the ledger's bounds", () => {
    const ledger = given(...cast({ alice: { posted: AMOUNT_MAX }, shop: { posted: 1n } }));
    ledger.when(payOut(AMOUNT_MAX, { account: alice })).thenAccepted("PayoutSettled");
    ledger.when(payOut(1n)).thenRefused("amount_too_large");
  });

  it("is not for other holders' accounts", () => {
    const ledger = given(...cast({ shop: { posted: 900n } }));
    for (const caller of [merchant("mallory"), consumer("sam-2"), stranger]) {
      const foreign = ledger.when(payOut(1n), caller).thenRefused("account_not_found");
      expect(foreign).toEqual(given().when(payOut(1n), caller).thenRefused("account_not_found"));
    }
  });
});
