import { describe, expect, it } from "vitest";
import {
  account,
  alice,
  authorize,
  cast,
  close,
  freeze,
  HKD,
  open,
  opened,
  operator,
  pay,
  START,
  service,
  shop,
  stranger,
  topUp,
  transfer,
  unfreeze,
} from "../../testing/examples.ts";
import { given } from "../../testing/given.ts";

describe("opening", () => {
  it("makes an empty open account of the caller's tenant, under the id of its event", () => {
    const command = open({ limits: { floor: -500n, perTransaction: 100n, perDay: 300n }, metadata: { tier: "gold" } });
    const event = given()
      .when(command, service)
      .thenAccepted("AccountOpened", { metadata: { tier: "gold" } });
    expect(event.fact.account).toEqual({
      id: `acct_${event.id.slice(4)}`,
      tenant: service.tenant,
      type: "wallet",
      currency: HKD,
      owner: "carol",
      displayName: null,
      timeZone: "Asia/Hong_Kong",
      status: "open",
      limits: { floor: -500n, perTransaction: 100n, perDay: 300n },
      balances: { posted: 0n, held: 0n },
      openedAt: START,
    });
  });

  it("gives the same owner as many accounts as are asked for", () => {
    const ledger = given();
    const first = ledger.when(open()).thenAccepted("AccountOpened");
    const second = ledger.when(open()).thenAccepted("AccountOpened");
    expect(second.fact.account.id).not.toBe(first.fact.account.id);
  });
});

describe("freezing", () => {
  it("keeps balances and says so in the event", () => {
    const { fact } = given(...cast())
      .when(freeze(alice))
      .thenAccepted("AccountFrozen", { reason: "under review" });
    expect(fact.account).toMatchObject({ id: alice, status: "frozen", balances: { posted: 10_000n, held: 0n } });
  });

  it("lets nothing leave and everything come", () => {
    const ledger = given(...cast({ shop: { posted: 500n } }));
    ledger.when(freeze(alice)).thenAccepted("AccountFrozen");
    ledger.when(pay(1n)).thenRefused("account_frozen");
    ledger.when(authorize(1n)).thenRefused("account_frozen");
    ledger.when(transfer([[alice, shop, 1n]])).thenRefused("account_frozen");
    ledger.when(topUp(5n)).thenAccepted("TopUpSettled");
    ledger.when(transfer([[shop, alice, 5n]])).thenAccepted("TransferPosted");
  });

  it("is undone by unfreezing", () => {
    const ledger = given(...cast());
    ledger.when(freeze(alice)).thenAccepted("AccountFrozen");
    ledger.when(unfreeze(alice)).thenAccepted("AccountUnfrozen");
    ledger.when(pay(1n)).thenAccepted("PaymentCharged");
  });

  it("is recorded again when it changes nothing", () => {
    const ledger = given(...cast());
    ledger.when(unfreeze(alice)).thenAccepted("AccountUnfrozen");
    ledger.when(freeze(alice)).thenAccepted("AccountFrozen");
    ledger.when(freeze(alice)).thenAccepted("AccountFrozen");
    expect(ledger.state.account(alice)?.status).toBe("frozen");
  });

  it("of a clearing account pauses its rail", () => {
    const ledger = given(...cast());
    ledger.when(topUp(5n)).thenAccepted("TopUpSettled");
    const clearing = ledger.state.clearing(operator.tenant, "fps", HKD);
    if (clearing === undefined) throw new Error("the rail has no clearing account");
    ledger.when(freeze(clearing)).thenAccepted("AccountFrozen");
    ledger.when(topUp(5n)).thenRefused("account_frozen");
    ledger.when(close(clearing)).thenRefused("account_not_found");
  });
});

describe("closing", () => {
  it("ends an account for good", () => {
    const ledger = given(...cast());
    ledger.when(close(shop)).thenAccepted("AccountClosed", { reason: "customer left" });
    for (const command of [freeze(shop), unfreeze(shop), close(shop)]) {
      ledger.when(command).thenRefused("account_not_open");
      expect(ledger.events.at(-1)?.fact).toMatchObject({ type: "AccountChangeDeclined", account: shop });
    }
  });

  it("closes a frozen account as well", () => {
    const ledger = given(opened(account(1, "wallet", "alice", { status: "frozen" })));
    ledger.when(close(alice)).thenAccepted("AccountClosed");
  });

  it("needs both balances at zero", () => {
    const ledger = given(...cast({ alice: { posted: 0n, floor: -10n } }));
    ledger.when(authorize(10n)).thenAccepted("PaymentAuthorized");
    ledger.when(close(alice)).thenRefused("account_not_empty");
    const other = given(...cast());
    other.when(close(alice)).thenRefused("account_not_empty");
    expect(other.events.at(-1)?.fact).toMatchObject({ change: "close", code: "account_not_empty" });
  });
});

it("another tenant's account is as absent as one that does not exist", () => {
  const ledger = given(...cast());
  const foreign = ledger.when(freeze(alice), stranger).thenRefused("account_not_found");
  const absent = given().when(freeze(alice), stranger).thenRefused("account_not_found");
  expect(foreign).toEqual(absent);
  expect(ledger.events).toHaveLength(4);
});
