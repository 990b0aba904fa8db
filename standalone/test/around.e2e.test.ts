import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "./client.ts";
import { createLedger } from "./harness.ts";
import { at, listAt, textAt } from "./json.ts";
import { seeded } from "./random.ts";
import { authorize, fundedWallet, openAccount } from "./steps.ts";

const ledger = createLedger();
let operator: Client;
beforeAll(async () => {
  await ledger.start();
  operator = await ledger.as("operator");
});
afterAll(() => ledger.remove());

const routes = [
  "POST /v1/accounts",
  "POST /v1/accounts/{id}/freeze",
  "POST /v1/accounts/{id}/unfreeze",
  "POST /v1/accounts/{id}/close",
  "POST /v1/transfers",
  "POST /v1/top-ups",
  "POST /v1/payouts",
  "POST /v1/payments",
  "POST /v1/payments/{id}/capture",
  "POST /v1/payments/{id}/void",
  "POST /v1/payments/{id}/refunds",
  "POST /v1/bulk",
  "GET /v1/accounts",
  "GET /v1/accounts/{id}",
  "GET /v1/accounts/{id}/entries",
  "GET /v1/accounts/{id}/balance",
  "GET /v1/accounts/{id}/recommendations",
  "GET /v1/payments",
  "GET /v1/payments/{id}",
  "GET /v1/transfers/{id}",
  "GET /v1/refunds/{id}",
  "GET /v1/top-ups/{id}",
  "GET /v1/payouts/{id}",
  "GET /v1/me/session",
] as const;

describe("around the API", () => {
  test("it lives, is ready, and says so without a token", async () => {
    expect((await fetch(`${ledger.url}/livez`)).status).toBe(200);
    expect((await fetch(`${ledger.url}/readyz`)).status).toBe(200);
  });

  test("the OpenAPI document describes every route", async () => {
    const response = await fetch(`${ledger.url}/openapi.json`);
    expect(response.headers.get("content-type")).toMatch(/^application\/json/);
    const document: unknown = await response.json();
    expect(textAt(document, "openapi")).toMatch(/^3\./);
    for (const route of routes) {
      const [method = "", path = ""] = route.split(" ");
      expect(at(document, "paths", path, method.toLowerCase(), "responses"), route).toEqual(expect.any(Object));
    }
  });

  test("the reference is a page", async () => {
    const response = await fetch(`${ledger.url}/docs`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^text\/html/);
  });

  test("metrics are Prometheus text, and for the platform role", async () => {
    expect((await fetch(`${ledger.url}/metrics`)).status).toBe(401);
    expect((await operator.get("/metrics")).status).toBe(403);
    const reply = await (await ledger.as("platform")).get("/metrics");
    expect(reply.status).toBe(200);
    expect(reply.text).toMatch(/^# (HELP|TYPE) [a-z_]+ /m);
  });

  test("refusals are counted by code, those of a bulk's items too", async () => {
    const platform = await ledger.as("platform");
    const counts = async (...codes: readonly string[]) => {
      const { text } = await platform.get("/metrics");
      return codes.map((code) => Number(text.match(`http_refusals_total{code="${code}"} (\\d+)`)?.[1] ?? 0));
    };
    const codes = ["insufficient_funds", "amount_invalid", "route_not_found", "invalid_header"];
    const before = await counts(...codes);
    const payer = await openAccount(operator);
    const payee = await openAccount(operator, { type: "merchant" });
    const payment = { payer, payee, amount: "5", currency: "HKD" };
    expect((await operator.post("/v1/payments", payment)).status).toBe(422);
    const items = [payment, { ...payment, amount: "x" }, { ...payment, amount: "y" }].map((item, index) => ({
      ...{ idempotencyKey: `refused-${index}`, command: "payment" },
      ...item,
    }));
    expect((await operator.post("/v1/bulk", { mode: "each", items })).status).toBe(200);
    expect((await operator.get("/v1/nowhere")).status).toBe(404);
    const after = await counts(...codes);
    expect(after.map((count, index) => count - (before[index] ?? 0))).toEqual([2, 2, 1, 0]);
  });
});

const seed = Number(process.env.LEDGER_SEED ?? Date.now() % 2 ** 31);

describe(`no input gets a 5xx, seed ${seed}`, () => {
  const random = seeded(seed);
  const pick = <T>(items: readonly [T, ...T[]]): T => items[Math.floor(random() * items.length)] ?? items[0];
  let ids: [string, ...string[]];
  beforeAll(async () => {
    const payer = await fundedWallet(operator, "1000", { owner: "fuzz" });
    const payee = await openAccount(operator, { type: "merchant", owner: "fuzz" });
    const payment = await authorize(operator, payer, payee, "10");
    ids = [
      payer,
      payee,
      payment,
      payment.replace("pay_", "rfd_"),
      `acct_${"7".repeat(26)}`,
      `pay_${"z".repeat(26)}`,
      "x",
    ];
  });

  /** A value that is valid in some field, or in none. */
  const value = (depth = 0): unknown => {
    const leaf = [
      () => pick(ids),
      () =>
        pick(["1", "10", "0", "-1", "99999999999999999999", "HKD", "JPY", "manual", "atomic", "payment", "fps", ""]),
      () => pick<unknown>([null, true, 0, -1, 1.5, 1e308, "\u0000", "é", "2026-02-29", "9999-12-31T23:59:59.999999Z"]),
      () => "x".repeat(Math.floor(random() * 300)),
    ];
    if (depth > 2 || random() < 0.7) return (leaf[Math.floor(random() * leaf.length)] ?? (() => null))();
    if (random() < 0.5) return Array.from({ length: Math.floor(random() * 4) }, () => value(depth + 1));
    return fields(depth + 1);
  };
  const names = [
    ...["type", "currency", "owner", "displayName", "timeZone", "limits", "metadata", "reason", "legs", "from", "to"],
    ...[
      "amount",
      "reference",
      "effectiveDate",
      "account",
      "rail",
      "externalId",
      "payer",
      "payee",
      "capture",
      "expiresAt",
    ],
    ...["final", "mode", "items", "idempotencyKey", "command", "floor", "perDay", "toString", "hasOwnProperty"],
  ] as const;
  const fields = (depth = 0): object =>
    Object.fromEntries(
      names
        .filter(() => random() < 0.3)
        .map((name) => [name, name === "currency" && random() < 0.7 ? "HKD" : value(depth)]),
    );
  const query = () => {
    const parameters = [
      "limit",
      "cursor",
      "order",
      "owner",
      "type",
      "status",
      "at",
      "position",
      "from",
      "account",
      "minAmount",
    ] as const;
    return parameters
      .filter(() => random() < 0.2)
      .map((name) => `${name}=${encodeURIComponent(String(value(3)))}`)
      .join("&");
  };

  test.each(routes)("%s", async (route) => {
    const [method, template = ""] = route.split(" ");
    const statuses = new Set<number>();
    for (let n = 0; n < 60; n++) {
      const path = template.replace("{id}", encodeURIComponent(pick(ids)));
      const reply = method === "POST" ? await operator.post(path, fields()) : await operator.get(`${path}?${query()}`);
      statuses.add(reply.status);
      expect(reply.status, `${reply.text}`).toBeLessThan(500);
    }
    expect(statuses.size).toBeGreaterThan(0);
  });

  test("a well-formed bulk of odd commands", async () => {
    for (let n = 0; n < 60; n++) {
      const items = Array.from({ length: 1 + Math.floor(random() * 20) }, (_, i) => ({
        idempotencyKey: `${seed}-${n}-${i}`,
        command: pick(["payment", "transfer", "top-up", "payout", "none"]),
        ...fields(),
      }));
      const reply = await operator.post("/v1/bulk", { mode: pick(["each", "atomic"]), items });
      expect(reply.status, reply.text).toBeLessThan(500);
      if (reply.status === 200) expect(listAt(reply.body, "results")).toHaveLength(items.length);
    }
  });
});
