import { describe, expect, it } from "vitest";
import {
  account,
  accountId,
  alice,
  bank,
  bob,
  cast,
  close,
  currencyOf,
  DAY_US,
  type LegTuple,
  opened,
  START,
  service,
  shop,
  stranger,
  transfer,
} from "../../testing/examples.ts";
import { given } from "../../testing/given.ts";
import { AMOUNT_MAX } from "../money.ts";
import { parseBusinessDate } from "../time.ts";

describe("a transfer", () => {
  it("posts every leg as a debit and a credit with running balances", () => {
    const legs: LegTuple[] = [
      [alice, bob, 300n],
      [bob, shop, 10_100n],
    ];
    const { fact, id } = given(...cast())
      .when(transfer(legs, { reference: "rent" }), service)
      .thenAccepted("TransferPosted");
    expect(fact.transfer).toBe(`txf_${id.slice(4)}`);
    expect(fact).toMatchObject({ reference: "rent", effectiveDate: null });
    expect(fact.postings).toEqual([
      { account: alice, amount: -300n, balance: 9_700n, date: "2026-11-22" },
      { account: bob, amount: 300n, balance: 10_300n, date: "2026-11-22" },
      { account: bob, amount: -10_100n, balance: 200n, date: "2026-11-22" },
      { account: shop, amount: 10_100n, balance: 10_100n, date: "2026-11-22" },
    ]);
  });

  it("takes legs in their order: money must be in before it goes out", () => {
    const ledger = given(...cast({ bob: { posted: 0n } }));
    ledger
      .when(
        transfer([
          [bob, shop, 5n],
          [alice, bob, 5n],
        ]),
      )
      .thenRefused("insufficient_funds");
    ledger
      .when(
        transfer([
          [alice, bob, 5n],
          [bob, shop, 5n],
        ]),
      )
      .thenAccepted("TransferPosted");
  });

  it("is all or nothing", () => {
    const ledger = given(...cast());
    ledger
      .when(
        transfer([
          [alice, shop, 1n],
          [bob, shop, 10_001n],
        ]),
      )
      .thenRefused("insufficient_funds");
    expect(ledger.state.account(alice)?.balances.posted).toBe(10_000n);
    expect(ledger.events.at(-1)?.fact).toMatchObject({ type: "TransferDeclined", code: "insufficient_funds" });
  });

  it("has its effective date on every posting, else each account's own day", () => {
    const date = parseBusinessDate("1993-01-05") ?? null;
    const [first] = given(...cast())
      .when(transfer([[bank, alice, 7n]], { effectiveDate: date }))
      .thenAccepted("TransferPosted").fact.postings;
    expect(first?.date).toBe("1993-01-05");
    const late = given(...cast({ bob: { timeZone: "America/New_York" } })).at(START + DAY_US / 2);
    const { postings } = late.when(transfer([[alice, bob, 7n]])).thenAccepted("TransferPosted").fact;
    expect(postings.map((posting) => posting.date)).toEqual(["2026-11-23", "2026-11-22"]);
  });

  it("has 1 to 100 legs of valid amounts", () => {
    const ledger = given(...cast());
    ledger.when(transfer([])).thenRefused("invalid_request");
    const hundred = Array.from({ length: 100 }, (): LegTuple => [alice, bob, 1n]);
    ledger.when(transfer(hundred)).thenAccepted("TransferPosted");
    expect(ledger.when(transfer([...hundred, [alice, bob, 1n]])).thenRefused("invalid_request").pointer).toBe("/legs");
    const zero = ledger
      .when(
        transfer([
          [alice, bob, 1n],
          [alice, bob, 0n],
        ]),
      )
      .thenRefused("amount_invalid");
    expect(zero.pointer).toBe("/legs/1/amount");
    ledger
      .when(
        transfer([
          [bank, bob, AMOUNT_MAX],
          [bank, bob, 1n],
        ]),
      )
      .thenRefused("amount_invalid");
  });

  it("checks existence, then the pair, the currency, the status, the limits and last the funds", () => {
    const ledger = given(
      ...cast({ alice: { perTransaction: 50n }, bob: { status: "frozen" } }),
      opened(account(5, "wallet", "eve", { currency: currencyOf("JPY") })),
      opened(account(6, "wallet", "closed", { status: "closed" })),
    );
    const [euro, closed, absent] = [accountId(5), accountId(6), accountId(7)];
    const tooMuch: LegTuple = [alice, shop, 60n];
    const short: LegTuple = [shop, alice, 1n];
    ledger
      .when(
        transfer([
          short,
          tooMuch,
          [bob, shop, 1n],
          [closed, shop, 1n],
          [euro, shop, 1n],
          [bob, bob, 1n],
          [alice, absent, 1n],
        ]),
      )
      .thenRefused("account_not_found");
    ledger
      .when(transfer([short, tooMuch, [bob, shop, 1n], [closed, shop, 1n], [euro, shop, 1n], [bob, bob, 1n]]))
      .thenRefused("same_account");
    ledger
      .when(transfer([short, tooMuch, [bob, shop, 1n], [closed, shop, 1n], [euro, shop, 1n]]))
      .thenRefused("currency_mismatch");
    ledger.when(transfer([short, tooMuch, [bob, shop, 1n], [shop, closed, 1n]])).thenRefused("account_not_open");
    ledger.when(transfer([short, tooMuch, [bob, shop, 1n]])).thenRefused("account_frozen");
    ledger.when(transfer([short, tooMuch])).thenRefused("limit_per_transaction");
    ledger.when(transfer([short])).thenRefused("insufficient_funds");
  });

  it("counts the total that leaves an account in all legs against its ceilings", () => {
    const ledger = given(...cast({ alice: { perTransaction: 50n, perDay: 80n } }));
    ledger
      .when(
        transfer([
          [alice, bob, 30n],
          [alice, shop, 30n],
        ]),
      )
      .thenRefused("limit_per_transaction");
    ledger
      .when(
        transfer([
          [alice, bob, 20n],
          [alice, shop, 30n],
        ]),
      )
      .thenAccepted("TransferPosted");
    ledger.when(transfer([[alice, bob, 31n]])).thenRefused("limit_per_day");
    ledger.when(transfer([[alice, bob, 30n]])).thenAccepted("TransferPosted");
    ledger.when(transfer([[bob, alice, 1n]])).thenAccepted("TransferPosted");
    ledger
      .at(START + DAY_US)
      .when(transfer([[alice, bob, 50n]]))
      .thenAccepted("TransferPosted");
  });

  it("keeps balances within the ledger's bounds, on either side of zero", () => {
    const ledger = given(
      ...cast({ alice: { posted: AMOUNT_MAX }, bob: { posted: 1n }, bank: { posted: -AMOUNT_MAX } }),
    );
    ledger.when(transfer([[bob, alice, 1n]])).thenRefused("amount_too_large");
    ledger.when(transfer([[bank, shop, 1n]])).thenRefused("amount_too_large");
    ledger.when(transfer([[alice, bank, AMOUNT_MAX]])).thenAccepted("TransferPosted");
  });

  it("a closed account neither gives nor takes", () => {
    const ledger = given(...cast());
    ledger.when(close(shop)).thenAccepted("AccountClosed");
    ledger.when(transfer([[alice, shop, 1n]])).thenRefused("account_not_open");
    ledger.when(transfer([[shop, alice, 1n]])).thenRefused("account_not_open");
  });

  it("does not reach accounts of another tenant, nor transit accounts", () => {
    const ledger = given(...cast(), opened(account(5, "transit", "shard:1")));
    const [first] = [transfer([[alice, bob, 1n]])];
    expect(ledger.when(first, stranger).thenRefused("account_not_found")).toEqual(
      given().when(first, stranger).thenRefused("account_not_found"),
    );
    ledger.when(transfer([[alice, accountId(5), 1n]])).thenRefused("account_not_found");
    ledger.when(transfer([[accountId(5), alice, 1n]])).thenRefused("account_not_found");
  });
});
