import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "./client.ts";
import { createLedger } from "./harness.ts";
import { balancesOf, entriesOf, eventsDuring, expectProblem, fundedWallet, openAccount, pay, topUp } from "./steps.ts";

const ledger = createLedger();
let operator: Client;
beforeAll(async () => {
  await ledger.start();
  operator = await ledger.as("operator");
});
afterAll(() => ledger.remove());

describe("case 1: amounts are digit strings of minor units", () => {
  const refused: readonly unknown[] = [
    ...["0.1", "-1", "0", "1e3", "-5", "+5", "1.50", "NaN", "007", "", " 5", "5 ", "0x10", "1_000", "１２"],
    ...["9223372036854775808", "1000000000000000000", 5, 1.5, null, true, ["7"], { value: "7" }],
  ];
  test.each(refused.map((amount) => [JSON.stringify(amount), amount]))("%s is refused", async (_, amount) => {
    const payer = await fundedWallet(operator, "1000");
    const payee = await openAccount(operator, { type: "merchant" });
    const appended = await eventsDuring(operator, async () => {
      const reply = await operator.post("/v1/payments", { payer, payee, amount, currency: "HKD" });
      expectProblem(reply, 422, "amount_invalid");
      expect(reply.body).toMatchObject({ errors: [{ pointer: "/amount" }] });
    });
    expect(appended).toBe(0);
  });

  test("9007199254740993 comes back exactly, in answers, balances and entries", async () => {
    const account = await openAccount(operator, { owner: "rich" });
    const reply = await topUp(operator, account, "9007199254740993");
    expect(reply.body).toMatchObject({ account, amount: "9007199254740993", currency: "HKD", status: "settled" });
    expect((await balancesOf(operator, account)).posted).toBe("9007199254740993");
    expect(await entriesOf(operator, account)).toMatchObject([
      { amount: "9007199254740993", balanceAfter: "9007199254740993" },
    ]);
  });

  test("the largest amount passes, and a balance beyond the largest is refused", async () => {
    const account = await openAccount(operator);
    // A rail's clearing account is bounded like any other: each rail can take the largest amount once.
    const topUpBy = (rail: string, amount: string) =>
      operator.post("/v1/top-ups", { account, amount, currency: "HKD", rail });
    expect((await topUpBy("card", "999999999999999999")).status).toBe(201);
    expectProblem(await topUpBy("bank", "1"), 422, "amount_too_large");
    const other = await openAccount(operator);
    const again = await operator.post("/v1/top-ups", { account: other, amount: "1", currency: "HKD", rail: "card" });
    expectProblem(again, 422, "amount_too_large");
    expect((await balancesOf(operator, account)).posted).toBe("999999999999999999");
  });

  test.each(["JPY", "KWD", "HKD"])("%s counts its own minor units", async (currency) => {
    const payer = await fundedWallet(operator, "1250", { currency });
    const payee = await openAccount(operator, { type: "merchant", currency });
    const reply = await pay(operator, { payer, payee, amount: "1", currency });
    expect(reply.body).toMatchObject({ amount: "1", currency, captured: "1", fee: "0", status: "captured" });
    expect((await balancesOf(operator, payer)).posted).toBe("1249");
  });

  test.each(["eur", "XXX", "US", "EURO", "", 978, null])("%j is no currency", async (currency) => {
    const reply = await operator.post("/v1/accounts", { type: "wallet", currency, owner: "someone" });
    expectProblem(reply, 422, "invalid_request");
    expect(reply.body).toMatchObject({ errors: [{ pointer: "/currency" }] });
  });
});
