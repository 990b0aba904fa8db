import { afterAll, expect, test } from "vitest";
import type { Client } from "./client.ts";
import { expectEachOnce } from "./each-once.ts";
import { createLedger } from "./harness.ts";
import { type SentPayment, startLoad } from "./load.ts";
import { seeded } from "./random.ts";
import { fundedWallet, openAccount, sumOfLedger } from "./steps.ts";

const cycles = Number(process.env.LEDGER_KILL_CYCLES ?? (process.env.CI === "true" ? 50 : 10));
const seed = Number(process.env.LEDGER_SEED ?? Date.now() % 2 ** 31);
const FUNDS = "1000000";

const ledger = createLedger();
afterAll(() => ledger.remove());

test(`kill -9 under load, ${cycles} cycles, seed ${seed}: acknowledged payments are there once, others at most once`, {
  timeout: 60_000 + cycles * 15_000,
}, async () => {
  const random = seeded(seed);
  await ledger.start();
  const operator = await ledger.as("operator");
  const wallets = await Promise.all([0, 1, 2, 3].map((n) => fundedWallet(operator, FUNDS, { owner: `payer-${n}` })));
  const accounts = [...wallets, await openAccount(operator, { type: "merchant", owner: "shop" })];
  const acknowledged = new Map<string, SentPayment>();
  for (let cycle = 0; cycle < cycles; cycle++) {
    const load = startLoad(operator, accounts, random);
    await load.answered(20 + Math.floor(random() * 200));
    await ledger.kill();
    await load.end();
    // Sometimes it dies again before it serves.
    if (random() < 0.2) {
      await ledger.startUnready();
      await ledger.kill();
    }
    await ledger.start();
    const open = load.sent.filter(({ reply }) => reply === undefined);
    await Promise.all(open.map((item) => settle(operator, item)));
    for (const item of load.sent) if (item.reply?.status === 201) acknowledged.set(item.key, item);
    const sample = load.sent.filter(() => random() < 0.1);
    await Promise.all(sample.map((item) => expectSameAnswer(operator, item)));
  }
  await ledger.stop();
  await ledger.start();
  await expectEachOnce(operator, accounts, acknowledged);
  expect(await sumOfLedger(operator)).toBe(0n);
});

/** Resends requests that were cut off. Whether made before or now, each has one answer, which never changes. */
async function settle(operator: Client, item: SentPayment): Promise<void> {
  item.reply = await operator.post("/v1/payments", item.body, { key: item.key });
  expect([201, 422], item.reply.text).toContain(item.reply.status);
}

async function expectSameAnswer(operator: Client, { key, body, reply }: SentPayment): Promise<void> {
  const again = await operator.post("/v1/payments", body, { key });
  expect(again.text).toBe(reply?.text);
  expect(again.status).toBe(reply?.status);
  expect(again.headers.get("idempotency-replayed")).toBe("true");
}
