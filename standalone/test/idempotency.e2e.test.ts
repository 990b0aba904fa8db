import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client, ClientReply } from "./client.ts";
import { createLedger } from "./harness.ts";
import { textAt } from "./json.ts";
import { balancesOf, eventsDuring, expectProblem, fundedWallet, openAccount, topUp } from "./steps.ts";

const ledger = createLedger();
let operator: Client;
let payer: string;
let payee: string;
beforeAll(async () => {
  await ledger.start();
  operator = await ledger.as("operator");
  payer = await fundedWallet(operator, "1000000", { owner: "alice" });
  payee = await openAccount(operator, { type: "merchant", owner: "shop" });
});
afterAll(() => ledger.remove());

const replayed = (reply: ClientReply) => reply.headers.get("idempotency-replayed") === "true";
const face = (reply: ClientReply) => `${reply.status} ${reply.headers.get("ledger-position")} ${reply.text}`;

describe("case 2: one key, one effect, one answer", () => {
  test("fifty equal requests at once make one event and fifty equal answers, after a restart too", async () => {
    const key = randomUUID();
    const body = { payer, payee, amount: "700", currency: "HKD", reference: "fifty", metadata: { order: "50" } };
    const before = await balancesOf(operator, payer);
    let replies: ClientReply[] = [];
    const appended = await eventsDuring(operator, async () => {
      replies = await Promise.all(Array.from({ length: 50 }, () => operator.post("/v1/payments", body, { key })));
    });
    expect(appended).toBe(1);
    expect(replies[0]?.status).toBe(201);
    expect(new Set(replies.map(face)).size).toBe(1);
    expect(replies.filter(replayed)).toHaveLength(49);
    expect(BigInt((await balancesOf(operator, payer)).posted)).toBe(BigInt(before.posted) - 700n);

    for (const end of [() => ledger.kill(), () => ledger.stop()]) {
      await end();
      await ledger.start();
      const again = await Promise.all(Array.from({ length: 50 }, () => operator.post("/v1/payments", body, { key })));
      expect(new Set([...replies, ...again].map(face)).size).toBe(1);
      expect(again.every(replayed)).toBe(true);
    }
    expect(BigInt((await balancesOf(operator, payer)).posted)).toBe(BigInt(before.posted) - 700n);
  });

  test("fields in another order are the same body", async () => {
    const key = randomUUID();
    const first = await operator.post("/v1/payments", { payer, payee, amount: "1", currency: "HKD" }, { key });
    const second = await operator.post("/v1/payments", { currency: "HKD", amount: "1", payee, payer }, { key });
    expect(face(second)).toBe(face(first));
  });

  test("another body under the key is refused and moves nothing", async () => {
    const key = randomUUID();
    await operator.post("/v1/payments", { payer, payee, amount: "10", currency: "HKD" }, { key });
    const appended = await eventsDuring(operator, async () => {
      const other = await operator.post("/v1/payments", { payer, payee, amount: "11", currency: "HKD" }, { key });
      expectProblem(other, 422, "idempotency_key_reused");
      const route = await operator.post(
        "/v1/top-ups",
        { account: payer, amount: "10", currency: "HKD", rail: "fps" },
        { key },
      );
      expectProblem(route, 422, "idempotency_key_reused");
    });
    expect(appended).toBe(0);
  });

  test("the same key of another client, or in another tenant, is independent", async () => {
    const key = randomUUID();
    const alice = await ledger.as("consumer", "alice");
    const bobs = await fundedWallet(operator, "100", { owner: "bob" });
    const first = await payOne(alice, payer, payee, key);
    const second = await payOne(await ledger.as("consumer", "bob"), bobs, payee, key);
    const foreign = await ledger.as("operator", "alice", "another");
    const theirs = await openAccount(foreign, { owner: "alice" });
    const third = await foreign.post(
      "/v1/top-ups",
      { account: theirs, amount: "5", currency: "HKD", rail: "fps" },
      { key },
    );
    expect([first.status, second.status, third.status]).toEqual([201, 201, 201]);
    expect([first, second, third].some(replayed)).toBe(false);
    expect(new Set([first, second, third].map((reply) => textAt(reply.body, "id"))).size).toBe(3);
  });

  test("a malformed request and an absent account leave the key free", async () => {
    const key = randomUUID();
    expectProblem(await operator.post("/v1/payments", { payer, payee, amount: "x", currency: "HKD" }, { key }), 422);
    const absent = `acct_${"0".repeat(26)}`;
    expectProblem(
      await operator.post("/v1/payments", { payer: absent, payee, amount: "1", currency: "HKD" }, { key }),
      404,
      "account_not_found",
    );
    const good = await operator.post("/v1/payments", { payer, payee, amount: "1", currency: "HKD" }, { key });
    expect(good.status).toBe(201);
    expect(replayed(good)).toBe(false);
  });

  test.each(["1".repeat(255), "!", 'a "quoted" ~key~', "x y"])("%j is a key", async (key) => {
    const reply = await operator.post("/v1/payments", { payer, payee, amount: "1", currency: "HKD" }, { key });
    expect(reply.status).toBe(201);
  });
});

describe("case 3: a refusal is an answer", () => {
  test("refused for lack of funds, topped up, repeated with its key: the refusal, after a restart too", async () => {
    const poor = await openAccount(operator, { owner: "poor" });
    const body = { payer: poor, payee, amount: "500", currency: "HKD" };
    const key = randomUUID();
    const refused = await operator.post("/v1/payments", body, { key });
    expectProblem(refused, 422, "insufficient_funds");
    expect(refused.headers.get("ledger-position")).toMatch(/^0:\d+$/);
    expect(replayed(refused)).toBe(false);
    await topUp(operator, poor, "1000");
    const repeated = await operator.post("/v1/payments", body, { key });
    expect(face(repeated)).toBe(face(refused));
    expect(replayed(repeated)).toBe(true);
    await ledger.kill();
    await ledger.start();
    expect(face(await operator.post("/v1/payments", body, { key }))).toBe(face(refused));
    expect((await operator.post("/v1/payments", body)).status).toBe(201);
    expect((await balancesOf(operator, poor)).posted).toBe("500");
  });
});

function payOne(client: Client, from: string, to: string, key: string): Promise<ClientReply> {
  return client.post("/v1/payments", { payer: from, payee: to, amount: "1", currency: "HKD" }, { key });
}
