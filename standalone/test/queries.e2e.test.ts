import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, type Reply, revisionOf } from "./client.ts";
import { createLedger } from "./harness.ts";
import { at, listAt, textAt } from "./json.ts";
import { entriesOf, expectProblem, fundedWallet, openAccount, pay, readAll, topUp } from "./steps.ts";

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
    const posted: { reply: Reply; after: string }[] = [];
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
    // A booking time takes in what was booked up to it.
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

describe("guarantee 9: read your writes", () => {
  test("a query that carries the answer's position sees the command, every time", async () => {
    const payer = await fundedWallet(operator, "100000", { owner: "eager" });
    const payee = await openAccount(operator, { type: "merchant" });
    for (let n = 1; n <= 100; n++) {
      const made = await pay(operator, { payer, payee, amount: "1" });
      const position = made.headers.get("ledger-position") ?? "none";
      const seen = await operator.get(`/v1/accounts/${payee}`, { "ledger-position": position, "ledger-wait": "5000" });
      expect(seen.body).toMatchObject({ balances: { posted: String(n) } });
      expect(revisionOf(seen)).toBeGreaterThanOrEqual(revisionOf(made));
      const payment = await operator.get(`/v1/payments/${textAt(made.body, "id")}`);
      expect(payment.body).toEqual(made.body);
    }
  });

  test("ahead of the log: 503 with Retry-After once Ledger-Wait has passed", async () => {
    const account = await openAccount(operator);
    const started = performance.now();
    const reply = await operator.get(`/v1/accounts/${account}`, {
      "ledger-position": "0:99999999",
      "ledger-wait": "300",
    });
    expectProblem(reply, 503);
    expect(reply.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(performance.now() - started).toBeGreaterThan(290);
  });

  test.each([
    ["ledger-position", "1"],
    ["ledger-position", "0:-1"],
    ["ledger-position", "0:1,x"],
    ["ledger-position", "9:1"],
    ["ledger-position", "0:01"],
    ["ledger-wait", "10001"],
    ["ledger-wait", "-1"],
    ["ledger-wait", "soon"],
  ])("%s: %s is refused", async (name, value) => {
    const account = await openAccount(operator);
    expectProblem(
      await operator.get(`/v1/accounts/${account}`, { "ledger-position": "0:1", "ledger-wait": "100", [name]: value }),
      400,
    );
  });
});

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
    const amounts = (reply: Reply) => listAt(reply.body, "data").map((entry) => Number(textAt(entry, "amount")));
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

describe("what the app shows", () => {
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
    expect((await nobody.get("/v1/me/session")).body).toEqual({ owner: "nobody", accounts: [], movements: [] });
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

describe("dry run", () => {
  test("the answer it would get, nothing appended, no key kept", async () => {
    const payer = await fundedWallet(operator, "100");
    const payee = await openAccount(operator, { type: "merchant" });
    const body = { payer, payee, amount: "60", currency: "HKD" };
    const before = await operator.post("/v1/accounts", { type: "wallet", currency: "HKD", owner: "mark" });
    const dry = await operator.post("/v1/payments?dryRun=true", body, { key: "dry" });
    expect(dry.status).toBe(201);
    expect(dry.headers.get("ledger-dry-run")).toBe("true");
    expect(dry.headers.get("ledger-position")).toBeNull();
    expect(dry.body).toMatchObject({ payer, payee, amount: "60", status: "captured" });
    expectProblem(await operator.get(`/v1/payments/${textAt(dry.body, "id")}`), 404);
    const refused = await operator.post("/v1/payments?dryRun=true", { ...body, amount: "101" });
    expectProblem(refused, 422, "insufficient_funds");
    expect(refused.headers.get("ledger-dry-run")).toBe("true");
    const bulk = { mode: "each", items: [{ idempotencyKey: "dry", command: "payment", ...body }] };
    expect(at((await operator.post("/v1/bulk?dryRun=true", bulk)).body, "results", 0, "status")).toBe(201);
    const real = await operator.post("/v1/payments", body, { key: "dry" });
    expect(real.status).toBe(201);
    expect(real.headers.get("idempotency-replayed")).toBeNull();
    expect(revisionOf(real)).toBe(revisionOf(before) + 1);
  });

  test.each(["dryRun=yes", "dryrun=true", "dryRun=true&dryRun=true", "dryRun="])("?%s is refused", async (query) => {
    const body = { type: "wallet", currency: "HKD", owner: "x" };
    expectProblem(await operator.post(`/v1/accounts?${query}`, body), 400);
  });
});
