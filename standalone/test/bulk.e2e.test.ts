import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client, ClientReply } from "./client.ts";
import { createLedger } from "./harness.ts";
import { at, listAt, textAt } from "./json.ts";
import { balancesOf, eventsDuring, expectProblem, fundedWallet, openAccount } from "./steps.ts";

const ledger = createLedger();
let operator: Client;
let payer: string;
let payee: string;
beforeAll(async () => {
  await ledger.start();
  operator = await ledger.as("operator");
  payer = await fundedWallet(operator, "1000", { owner: "alice" });
  payee = await openAccount(operator, { type: "merchant", owner: "shop" });
});
afterAll(() => ledger.remove());

const payment = (fields: object = {}) => ({
  idempotencyKey: randomUUID(),
  command: "payment",
  payer,
  payee,
  amount: "10",
  currency: "HKD",
  ...fields,
});
const statuses = (reply: ClientReply) => listAt(reply.body, "results").map((result) => at(result, "status"));

describe("case 14: a bulk whose third item is bad", () => {
  const bad: readonly [string, object, number, string][] = [
    ["lacks funds", { amount: "99999" }, 422, "insufficient_funds"],
    ["has a bad amount", { amount: "0" }, 422, "amount_invalid"],
    ["has an unknown field", { color: "red" }, 422, "invalid_request"],
    ["names an absent account", { payee: `acct_${"0".repeat(26)}` }, 404, "account_not_found"],
  ];

  test.each(bad)("each: it %s, has a code of its own, and the others are made", async (_, fields, status, code) => {
    const before = BigInt((await balancesOf(operator, payer)).posted);
    const items = [payment(), payment(), payment(fields), payment()];
    const reply = await operator.post("/v1/bulk", { mode: "each", items });
    expect(reply.status).toBe(200);
    expect(statuses(reply)).toEqual([201, 201, status, 201]);
    expect(at(reply.body, "results", 2)).toMatchObject({ status, problem: { status, code } });
    expect(BigInt((await balancesOf(operator, payer)).posted)).toBe(before - 30n);
    const id = textAt(reply.body, "results", 0, "id");
    expect((await operator.get(`/v1/payments/${id}`)).body).toMatchObject({ id, amount: "10", status: "captured" });
    expect(textAt(reply.body, "results", 0, "position")).toMatch(/^0:\d+$/);
  });

  test.each(bad)("atomic: it %s, carries its problem, and nothing is applied", async (_, fields, status, code) => {
    const before = await balancesOf(operator, payer);
    const items = [payment(), payment(), payment(fields), payment()];
    const reply = await operator.post("/v1/bulk", { mode: "atomic", items });
    expect(reply.status).toBe(200);
    expect(statuses(reply)).toEqual([424, 424, status, 424]);
    expect(at(reply.body, "results", 2)).toMatchObject({ problem: { code } });
    expect(at(reply.body, "results", 0)).toMatchObject({ problem: { code: "bulk_aborted", status: 424 } });
    expect(await balancesOf(operator, payer)).toEqual(before);
  });

  test("atomic: when all are good, all are made", async () => {
    const before = BigInt((await balancesOf(operator, payer)).posted);
    const transfer = {
      idempotencyKey: randomUUID(),
      command: "transfer",
      legs: [{ from: payee, to: payer, amount: "5" }],
      currency: "HKD",
    };
    const topUp = {
      idempotencyKey: randomUUID(),
      command: "top-up",
      account: payer,
      amount: "7",
      currency: "HKD",
      rail: "fps",
    };
    const payout = {
      idempotencyKey: randomUUID(),
      command: "payout",
      account: payer,
      amount: "2",
      currency: "HKD",
      rail: "fps",
    };
    const reply = await operator.post("/v1/bulk", { mode: "atomic", items: [payment(), transfer, topUp, payout] });
    expect(statuses(reply)).toEqual([201, 201, 201, 201]);
    expect(BigInt((await balancesOf(operator, payer)).posted)).toBe(before - 10n + 5n + 7n - 2n);
    const kinds = listAt(reply.body, "results").map((result) => textAt(result, "id").split("_")[0]);
    expect(kinds).toEqual(["pay", "txf", "top", "pyt"]);
  });
});

describe("the keys of a bulk", () => {
  test("the bulk repeated: the same answer byte for byte, and nothing new", async () => {
    const key = randomUUID();
    const body = { mode: "each", items: [payment(), payment({ amount: "99999" }), payment()] };
    const first = await operator.post("/v1/bulk", body, { key });
    const before = await balancesOf(operator, payer);
    const appended = await eventsDuring(operator, async () => {
      const again = await operator.post("/v1/bulk", body, { key });
      expect(again.text).toBe(first.text);
      expect(again.headers.get("idempotency-replayed")).toBe("true");
    });
    expect(appended).toBe(0);
    await ledger.kill();
    await ledger.start();
    expect((await operator.post("/v1/bulk", body, { key })).text).toBe(first.text);
    expect(await balancesOf(operator, payer)).toEqual(before);
    const other = await operator.post("/v1/bulk", { ...body, mode: "atomic" }, { key });
    expectProblem(other, 422, "idempotency_key_reused");
  });

  test("an item's key is a key like any other", async () => {
    const item = payment();
    const { idempotencyKey: key, command: _, ...body } = item;
    const single = await operator.post("/v1/payments", body, { key });
    expect(single.status).toBe(201);
    const reply = await operator.post("/v1/bulk", {
      mode: "each",
      items: [item, payment({ idempotencyKey: key, amount: "11" })],
    });
    expect(at(reply.body, "results", 0)).toMatchObject({ status: 201, id: textAt(single.body, "id") });
    expect(at(reply.body, "results", 1)).toMatchObject({ status: 422, problem: { code: "idempotency_key_reused" } });
  });

  test("an item of a bulk gets the same answer as alone", async () => {
    const item = payment();
    const bulk = await operator.post("/v1/bulk", { mode: "each", items: [item] });
    const { idempotencyKey: key, command: _, ...body } = item;
    const single = await operator.post("/v1/payments", body, { key });
    expect(single.headers.get("idempotency-replayed")).toBe("true");
    expect(textAt(single.body, "id")).toBe(textAt(bulk.body, "results", 0, "id"));
    expect(single.headers.get("ledger-position")).toBe(textAt(bulk.body, "results", 0, "position"));
  });
});

describe("the form of a bulk", () => {
  test.each<[string, unknown]>([
    ["no items", { mode: "each", items: [] }],
    ["no mode", { items: [] }],
    ["an unknown mode", { mode: "some", items: [{}] }],
    ["an unknown field", { mode: "each", items: [{}], color: "red" }],
  ])("%s: 422", async (_, body) => {
    expectProblem(await operator.post("/v1/bulk", body), 422, "invalid_request");
  });

  test("10,000 items pass and 10,001 do not", async () => {
    const items = Array.from({ length: 10_001 }, (_, n) => ({
      idempotencyKey: `many-${n}`,
      command: "top-up",
      account: payer,
      amount: "1",
      currency: "HKD",
      rail: "fps",
    }));
    expectProblem(await operator.post("/v1/bulk", { mode: "each", items }), 422, "invalid_request");
    const reply = await operator.post("/v1/bulk", { mode: "each", items: items.slice(1) });
    expect(statuses(reply).filter((status) => status === 201)).toHaveLength(10_000);
  });

  test("of an atomic bulk 1,000 items pass and 1,001 do not", async () => {
    const items = Array.from({ length: 1001 }, (_, n) => ({
      idempotencyKey: `together-${n}`,
      command: "top-up",
      account: payer,
      amount: "1",
      currency: "HKD",
      rail: "fps",
    }));
    expectProblem(await operator.post("/v1/bulk", { mode: "atomic", items }), 422, "bulk_too_large");
    const reply = await operator.post("/v1/bulk", { mode: "atomic", items: items.slice(1) });
    expect(statuses(reply).filter((status) => status === 201)).toHaveLength(1000);
  });
});
