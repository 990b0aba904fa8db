import { randomUUID } from "node:crypto";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "./client.ts";
import { createLedger } from "./harness.ts";
import { at, listAt, textAt } from "./json.ts";
import { startLoad } from "./load.ts";
import { seeded } from "./random.ts";
import {
  authorize,
  balancesOf,
  entriesOf,
  expectProblem,
  fundedWallet,
  openAccount,
  pay,
  sumOf,
  sumOfLedger,
} from "./steps.ts";

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

let keys = 0;
const bulkOf = (count: number) => ({
  mode: "each",
  items: Array.from({ length: count }, () => ({
    idempotencyKey: `item-${++keys}`,
    command: "payment",
    payer,
    payee,
    amount: "1",
    currency: "HKD",
  })),
});

describe("case 9: projections that die lose and double nothing", () => {
  test("killed while they lag, three times: balances equal entries, and running balances are unbroken", async () => {
    let made = 0;
    for (let round = 0; round < 3; round++) {
      const reply = await operator.post("/v1/bulk", bulkOf(3000));
      expect(reply.status, reply.text.slice(0, 500)).toBe(200);
      made += listAt(reply.body, "results").filter((result) => at(result, "status") === 201).length;
      await ledger.kill();
      await ledger.start();
    }
    expect(made).toBe(9000);
    for (const [account, sign] of [
      [payer, -1n],
      [payee, 1n],
    ] as const) {
      const entries = await entriesOf(operator, account);
      const posted = BigInt((await balancesOf(operator, account)).posted);
      expect(sumOf(entries, "amount")).toBe(posted);
      expect(entries.filter((entry) => at(entry, "type") === "payment")).toHaveLength(made);
      expect(posted).toBe(sign === 1n ? BigInt(made) : 1_000_000n - BigInt(made));
      expectUnbroken(entries);
    }
    expect(await sumOfLedger(operator)).toBe(0n);
  });
});

describe("everything on disk but the log can be lost", () => {
  test("without its state and its read models the server builds them again and answers as before", async () => {
    const key = randomUUID();
    const body = { payer, payee, amount: "5", currency: "HKD" };
    const answer = await operator.post("/v1/payments", body, { key });
    const held = await authorize(operator, payer, payee, "7");
    const before = { balances: await balancesOf(operator, payer), entries: await entriesOf(operator, payer) };
    expect(await ledger.stop()).toBe(0);
    const lost = readdirSync(ledger.data).filter((name) => /^(state|models|views)/.test(name));
    expect(lost.length).toBeGreaterThan(0);
    for (const name of lost) rmSync(join(ledger.data, name), { recursive: true });
    await ledger.start();
    expect((await operator.post("/v1/payments", body, { key })).text).toBe(answer.text);
    expectProblem(
      await operator.post("/v1/payments", { ...body, amount: "6" }, { key }),
      422,
      "idempotency_key_reused",
    );
    expect(await balancesOf(operator, payer)).toEqual(before.balances);
    expect(await entriesOf(operator, payer)).toEqual(before.entries);
    const captured = await operator.post(`/v1/payments/${held}/capture`, {});
    expect(captured.body).toMatchObject({ id: held, status: "captured", captured: "7" });
  });

  test("a state file that is older than the log catches up", async () => {
    await ledger.stop();
    await ledger.start();
    const made = [];
    for (let n = 0; n < 50; n++) made.push(await pay(operator, { payer, payee, amount: "1" }));
    const last = made.at(-1);
    await ledger.kill();
    await ledger.start();
    const refunded = await operator.post(`/v1/payments/${textAt(last?.body, "id")}/refunds`, {});
    expect(refunded.status).toBe(201);
    expect(await sumOfLedger(operator)).toBe(0n);
  });
});

describe("SIGTERM answers accepted requests", () => {
  test("every payment that is in the log was answered, and the process ends with 0", async () => {
    const load = startLoad(operator, [payer, payee], seeded(12), { width: 64 });
    await load.answered(200);
    const code = await ledger.stop();
    await load.end();
    expect(code, ledger.output()).toBe(0);
    const made = load.sent.filter(({ reply }) => reply?.status === 201);
    const refused = load.sent.filter(({ reply }) => reply && reply.status !== 201);
    for (const { reply } of refused) {
      expect(reply?.status).toBe(503);
      expect(reply?.headers.get("retry-after")).toMatch(/^\d+$/);
    }
    await ledger.start();
    for (const { key, body, reply } of made.slice(-50)) {
      const again = await operator.post("/v1/payments", body, { key });
      expect(again.text).toBe(reply?.text);
    }
    const unanswered = load.sent.filter(({ reply }) => reply?.status !== 201).slice(0, 200);
    for (const { key, body } of unanswered) {
      const now = await operator.post("/v1/payments", body, { key });
      expect(now.headers.get("idempotency-replayed"), "made, but never answered").toBeNull();
    }
  });
});

/** Newest first: each balance is the previous one plus its own amount. */
function expectUnbroken(entries: readonly unknown[]): void {
  for (let i = 0; i + 1 < entries.length; i++) {
    const [newer, older] = [entries[i], entries[i + 1]];
    expect(BigInt(textAt(newer, "balanceAfter"))).toBe(
      BigInt(textAt(older, "balanceAfter")) + BigInt(textAt(newer, "amount")),
    );
  }
}
