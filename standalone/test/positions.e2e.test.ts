import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, revisionOf } from "./client.ts";
import { createLedger } from "./harness.ts";
import { at, textAt } from "./json.ts";
import { expectProblem, fundedWallet, openAccount, pay } from "./steps.ts";

const ledger = createLedger();
let operator: Client;
beforeAll(async () => {
  await ledger.start();
  operator = await ledger.as("operator");
});
afterAll(() => ledger.remove());

describe("read your writes", () => {
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
