import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client, ClientReply } from "./client.ts";
import { createLedger } from "./harness.ts";
import { at, listAt, textAt } from "./json.ts";
import { entriesOf, expectProblem, fundedWallet, openAccount, pay, readAll } from "./steps.ts";

const ledger = createLedger();
let operator: Client;
beforeAll(async () => {
  await ledger.start();
  operator = await ledger.as("operator");
});
afterAll(() => ledger.remove());

describe("lists", () => {
  test("pages stay whole while writes go on, in both orders", async () => {
    const payer = await fundedWallet(operator, "1000", { owner: "reader" });
    const payee = await openAccount(operator, { type: "merchant", owner: "pages" });
    for (let n = 0; n < 25; n++) await pay(operator, { payer, payee, amount: String(n + 1), reference: `r-${n}` });
    const path = `/v1/accounts/${payee}/entries`;
    const first = await operator.get(`${path}?limit=10`);
    await pay(operator, { payer, payee, amount: "26", reference: "meanwhile" });
    const second = await operator.get(
      `${path}?limit=10&cursor=${encodeURIComponent(textAt(first.body, "nextCursor"))}`,
    );
    const amounts = (reply: ClientReply) => listAt(reply.body, "data").map((entry) => Number(textAt(entry, "amount")));
    expect(amounts(first)).toEqual([25, 24, 23, 22, 21, 20, 19, 18, 17, 16]);
    expect(amounts(second)).toEqual([15, 14, 13, 12, 11, 10, 9, 8, 7, 6]);
    const oldest = await readAll(operator, `${path}?order=asc`, 7);
    expect(oldest.map((entry) => Number(textAt(entry, "amount")))).toEqual(Array.from({ length: 26 }, (_, n) => n + 1));
    const filtered = await readAll(operator, `${path}?minAmount=5&maxAmount=7&type=payment`);
    expect(filtered.map((entry) => textAt(entry, "reference"))).toEqual(["r-6", "r-5", "r-4"]);
    expect(await readAll(operator, `${path}?reference=r-3`)).toHaveLength(1);
    const [from, to] = [textAt(oldest[3], "bookedAt"), textAt(oldest[9], "bookedAt")];
    const between = await readAll(operator, `${path}?from=${from}&to=${to}`);
    expect(between).toEqual(
      oldest.filter((entry) => textAt(entry, "bookedAt") >= from && textAt(entry, "bookedAt") < to).reverse(),
    );
  });

  test("a cursor is bound to its path, filter, order and caller", async () => {
    const payer = await fundedWallet(operator, "1000", { owner: "bound" });
    const payee = await openAccount(operator, { type: "merchant", owner: "bound" });
    for (let n = 0; n < 5; n++) await pay(operator, { payer, payee, amount: "1" });
    const path = `/v1/accounts/${payee}/entries`;
    const cursor = encodeURIComponent(textAt((await operator.get(`${path}?limit=2&type=payment`)).body, "nextCursor"));
    expect((await operator.get(`${path}?limit=2&type=payment&cursor=${cursor}`)).status).toBe(200);
    const tampered = `${cursor.slice(0, 5)}${cursor[5] === "A" ? "B" : "A"}${cursor.slice(6)}`;
    for (const wrong of [
      `${path}?limit=2&type=refund&cursor=${cursor}`,
      `${path}?limit=2&cursor=${cursor}`,
      `${path}?limit=2&type=payment&order=asc&cursor=${cursor}`,
      `/v1/accounts/${payer}/entries?limit=2&type=payment&cursor=${cursor}`,
      `${path}?limit=2&type=payment&cursor=${tampered}`,
    ])
      expectProblem(await operator.get(wrong), 400);
    const other = await ledger.as("auditor", "someone-else");
    expectProblem(await other.get(`${path}?limit=2&type=payment&cursor=${cursor}`), 400);
  });

  test("accounts and payments are found by their filters", async () => {
    const mine = await fundedWallet(operator, "100", { owner: "filtered" });
    const shop = await openAccount(operator, { type: "merchant", owner: "filtered-shop", displayName: "The Shop" });
    const made = await pay(operator, { payer: mine, payee: shop, amount: "9", metadata: { order: "7" } });
    const held = await pay(operator, { payer: mine, payee: shop, amount: "8", capture: "manual" });
    expect(await readAll(operator, "/v1/accounts?owner=filtered")).toMatchObject([{ id: mine, status: "open" }]);
    expect(await readAll(operator, "/v1/accounts?owner=filtered&type=merchant")).toEqual([]);
    expect(await readAll(operator, `/v1/payments?account=${mine}`)).toMatchObject([
      { id: textAt(held.body, "id"), status: "authorized" },
      { id: textAt(made.body, "id"), status: "captured", metadata: { order: "7" } },
    ]);
    expect(await readAll(operator, `/v1/payments?account=${mine}&status=authorized`)).toHaveLength(1);
    expect(await readAll(operator, `/v1/payments?account=acct_${"0".repeat(26)}`)).toEqual([]);
  });
});

describe("the app's screens", () => {
  test("the session has the caller's accounts and last twenty movements, newest first", async () => {
    const carol = await ledger.as("consumer", "carol");
    const [a, b] = [
      await fundedWallet(operator, "1000", { owner: "carol" }),
      await openAccount(operator, { owner: "carol" }),
    ];
    for (let n = 0; n < 25; n++) await pay(carol, { payer: a, payee: b, amount: String(n + 1) });
    const session = await carol.get("/v1/me/session");
    expect(session.status, session.text).toBe(200);
    expect(at(session.body, "owner")).toBe("carol");
    const accounts = listAt(session.body, "accounts");
    expect(accounts.map((account) => textAt(account, "id")).sort()).toEqual([a, b].sort());
    expect(accounts.find((account) => at(account, "id") === a)).toEqual((await carol.get(`/v1/accounts/${a}`)).body);
    const movements = listAt(session.body, "movements");
    expect(movements).toHaveLength(20);
    const newest = [...(await entriesOf(carol, a)), ...(await entriesOf(carol, b))].sort((x, y) =>
      textAt(y, "id").localeCompare(textAt(x, "id")),
    );
    expect(movements.map((entry) => textAt(entry, "id")).sort()).toEqual(
      newest
        .slice(0, 20)
        .map((entry) => textAt(entry, "id"))
        .sort(),
    );
    const nobody = await ledger.as("consumer", "nobody");
    expect((await nobody.get("/v1/me/session")).body).toEqual({
      owner: "nobody",
      accounts: [],
      moreAccounts: false,
      movements: [],
    });
  });

  test("recommendations cite the payments they rest on, and a full refund retracts them", async () => {
    const [me, peer] = [await fundedWallet(operator, "100"), await fundedWallet(operator, "100")];
    const [shared, other] = [
      await openAccount(operator, { type: "merchant" }),
      await openAccount(operator, { type: "merchant" }),
    ];
    await pay(operator, { payer: me, payee: shared, amount: "1" });
    await pay(operator, { payer: peer, payee: shared, amount: "1" });
    const decisive = await pay(operator, { payer: peer, payee: other, amount: "2" });
    const read = async () => listAt((await operator.get(`/v1/accounts/${me}/recommendations`)).body, "data");
    const [found, ...rest] = await read();
    expect(rest).toEqual([]);
    expect(at(found, "merchant")).toBe(other);
    const cited = textAt(decisive.body, "id").replace(/^pay_/, "evt_");
    expect(listAt(found, "events")).toContain(cited);
    const refunds = `/v1/payments/${textAt(decisive.body, "id")}/refunds`;
    await operator.post(refunds, { amount: "1" });
    expect(await read()).toHaveLength(1);
    await operator.post(refunds, {});
    expect(await read()).toEqual([]);
  });
});
