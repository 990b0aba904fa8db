import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, type ClientReply, revisionOf } from "./client.ts";
import { createLedger } from "./harness.ts";
import { textAt } from "./json.ts";
import { entriesOf, expectProblem, fundedWallet, openAccount, pay, topUp } from "./steps.ts";

const ledger = createLedger();
let operator: Client;
beforeAll(async () => {
  await ledger.start();
  operator = await ledger.as("operator");
});
afterAll(() => ledger.remove());

const balance = (account: string, query = "") => operator.get(`/v1/accounts/${account}/balance${query}`);
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

describe("case 11: before the first entry", () => {
  test("the balance is 0, not an error: now, at a time, at a position, on a date", async () => {
    const before = await operator.post("/v1/accounts", { type: "wallet", currency: "HKD", owner: "first" });
    const account = await openAccount(operator, { owner: "late" });
    await topUp(operator, account, "5");
    const fresh = await openAccount(operator, { owner: "fresh" });
    const zero = { posted: "0", held: "0", available: "0" };
    expect((await operator.get(`/v1/accounts/${fresh}`)).body).toMatchObject({ balances: zero });
    expect((await balance(fresh)).body).toEqual({ account: fresh, currency: "HKD", ...zero });
    for (const query of [
      "?at=2020-01-01T00:00:00.000000Z",
      `?position=0:${revisionOf(before)}`,
      "?effectiveDate=2020-01-01",
    ]) {
      const reply = await balance(account, query);
      expect(reply.status, reply.text).toBe(200);
      expect(reply.body).toMatchObject(zero);
    }
    expect((await operator.get(`/v1/accounts/${fresh}/entries`)).body).toEqual({ data: [], nextCursor: null });
  });

  test.each([
    "color=red",
    "limit=0",
    "limit=201",
    "limit=-1",
    "limit=1e2",
    "limit=1000000000",
    "limit=5&limit=5",
    "order=up",
    "cursor=x",
    "from=yesterday",
    "type=gift",
    "minAmount=-1",
    "maxAmount=1.5",
  ])("an unsupported filter is an error, not an empty list: %s", async (query) => {
    const account = await openAccount(operator);
    expectProblem(await operator.get(`/v1/accounts/${account}/entries?${query}`), 400);
  });
});

describe("balances as of", () => {
  test("a booking time, a position, and the end of a business date", async () => {
    const account = await openAccount(operator, { owner: "history", timeZone: "Asia/Hong_Kong" });
    const bank = await openAccount(operator, { type: "bank", owner: "bank" });
    const posted: { reply: ClientReply; after: string }[] = [];
    for (const [amount, effectiveDate, after] of [
      ["100", "2026-01-31", "100"],
      ["30", "2026-02-28", "130"],
      ["7", "2026-01-31", "137"],
    ] as const) {
      const reply = await operator.post("/v1/transfers", {
        legs: [{ from: bank, to: account, amount }],
        currency: "HKD",
        effectiveDate,
      });
      expect(reply.status, reply.text).toBe(201);
      expect(reply.body).toMatchObject({ legs: [{ from: bank, to: account, amount }], effectiveDate });
      posted.push({ reply, after });
    }
    for (const { reply, after } of posted) {
      const then = await balance(account, `?position=0:${revisionOf(reply)}`);
      expect(then.body).toMatchObject({ posted: after });
    }
    const entries = [...(await entriesOf(operator, account))].reverse();
    const [first, second, third] = entries.map((entry) => textAt(entry, "bookedAt"));
    expect(first).toMatch(instant);
    // A booking time includes everything booked up to it.
    if (first !== second) expect((await balance(account, `?at=${first}`)).body).toMatchObject({ posted: "100" });
    expect((await balance(account, `?at=${third}`)).body).toMatchObject({ posted: "137" });
    for (const [date, amount] of [
      ["2026-01-30", "0"],
      ["2026-01-31", "107"],
      ["2026-02-27", "107"],
      ["2026-02-28", "137"],
    ])
      expect((await balance(account, `?effectiveDate=${date}`)).body).toMatchObject({ posted: amount });
    expect(entries).toMatchObject([
      { amount: "100", balanceAfter: "100", effectiveDate: "2026-01-31", type: "transfer", counterparty: bank },
      { amount: "30", balanceAfter: "130", effectiveDate: "2026-02-28" },
      { amount: "7", balanceAfter: "137", effectiveDate: "2026-01-31" },
    ]);
  });

  test("holds count at their time", async () => {
    const payer = await fundedWallet(operator, "100");
    const payee = await openAccount(operator, { type: "merchant" });
    const held = await pay(operator, { payer, payee, amount: "60", capture: "manual" });
    const voided = await operator.post(`/v1/payments/${textAt(held.body, "id")}/void`);
    expect((await balance(payer, `?position=0:${revisionOf(held)}`)).body).toMatchObject({
      posted: "100",
      held: "60",
      available: "40",
    });
    expect((await balance(payer, `?position=0:${revisionOf(voided)}`)).body).toMatchObject({
      posted: "100",
      held: "0",
      available: "100",
    });
  });

  test("two parameters, a time ahead of now, or nonsense: 400; a position ahead of the log: 503", async () => {
    const account = await openAccount(operator);
    for (const query of [
      "?at=2020-01-01T00:00:00.000000Z&position=0:1",
      "?at=2120-01-01T00:00:00.000000Z",
      "?at=now",
      "?position=1",
      "?position=7:1",
      "?effectiveDate=2026-02-30",
    ])
      expectProblem(await balance(account, query), 400);
    const ahead = await operator.get(`/v1/accounts/${account}/balance?position=0:99999999`, { "ledger-wait": "50" });
    expectProblem(ahead, 503);
  });
});
