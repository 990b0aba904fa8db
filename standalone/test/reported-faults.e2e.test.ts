import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { signToken } from "ledger-core/http/tokens";
import { createLogger } from "ledger-core/process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDataFolder } from "../src/data-folder.ts";
import { startStandalone } from "../src/main.ts";
import { type Client, createClient } from "./client.ts";
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
  readAll,
  topUp,
} from "./steps.ts";

/** Case 17: faults that users of other ledgers reported, each tried from outside; this ledger must not have them. */
const ledger = createLedger();
let operator: Client;
let merchant: string;
beforeAll(async () => {
  await ledger.start();
  operator = await ledger.as("operator");
  merchant = await openAccount(operator, { type: "merchant", owner: "shop" });
});
afterAll(() => ledger.remove());

const hold = (payer: string, amount: string) => pay(operator, { payer, payee: merchant, amount, capture: "manual" });

describe("holds", () => {
  test("of six holds of 1,000 at once on 5,000 one is refused, and a seventh too", async () => {
    const payer = await fundedWallet(operator, "5000");
    const replies = await Promise.all(Array.from({ length: 6 }, () => hold(payer, "1000")));
    expect(replies.map(({ status }) => status).sort()).toEqual([201, 201, 201, 201, 201, 422]);
    expectProblem(await hold(payer, "1000"), 422, "insufficient_funds");
    expect(await balancesOf(operator, payer)).toEqual({ posted: "5000", held: "5000", available: "0" });
  });

  test("a refused hold has no id, and nothing to capture, now or once there is money", async () => {
    const payer = await fundedWallet(operator, "999");
    const made = await hold(payer, "1");
    const refused = await hold(payer, "1000");
    expectProblem(refused, 422, "insufficient_funds");
    expect(refused.text).not.toMatch(/pay_[0-9a-z]{26}/);
    await topUp(operator, payer, "1000");
    const payments = await readAll(operator, `/v1/payments?account=${payer}`);
    expect(payments.map((payment) => at(payment, "id"))).toEqual([at(made.body, "id")]);
    // An unused id of this shard.
    const guess = textAt(made.body, "id").replace(/.{4}$/, "0000");
    expectProblem(await operator.post(`/v1/payments/${guess}/capture`, {}), 404, "payment_not_found");
    expect((await balancesOf(operator, payer)).posted).toBe("1999");
  });
});

describe("an answered command", () => {
  test("201 is there after kill -9 and after an ordinary stop, in the answer's bytes and in every list", async () => {
    const payer = await fundedWallet(operator, "100");
    const body = { payer, payee: merchant, amount: "1", currency: "HKD" };
    const made = await operator.post("/v1/payments", body, { key: "kept" });
    expect(made.status).toBe(201);
    for (const end of [() => ledger.kill(), () => ledger.stop()]) {
      await end();
      await ledger.start();
      expect((await operator.get(`/v1/payments/${textAt(made.body, "id")}`)).text).toBe(made.text);
      expect((await operator.post("/v1/payments", body, { key: "kept" })).text).toBe(made.text);
      expect(await readAll(operator, `/v1/payments?account=${payer}`)).toHaveLength(1);
      expect(await entriesOf(operator, payer)).toHaveLength(2);
    }
  });

  test("a 201 is never followed by a 404 at its position", async () => {
    const payer = await fundedWallet(operator, "1000");
    for (let n = 0; n < 50; n++) {
      const made = await pay(operator, { payer, payee: merchant, amount: "1" });
      const position = { "ledger-position": String(made.headers.get("ledger-position")) };
      const found = await operator.get(`/v1/payments/${textAt(made.body, "id")}`, position);
      expect(found.text).toBe(made.text);
    }
  });
});

test("an account that left the cache comes back as it was last, not as it was when it came in", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "payledger-evicted-"));
  const server = await startStandalone({
    ...{ dataDir, port: 0, logger: createLogger({ level: "error", name: "evicted" }) },
    writer: { accountsCached: 1, flushAt: 10 },
  });
  try {
    const { signingKeys } = await openDataFolder(dataDir);
    const caller = { tenant: "default", role: "operator", sub: "operator", ttlSeconds: 600 } as const;
    const client = createClient({ url: server.url, revision: -1 }, await signToken(caller, signingKeys));
    // Far more accounts than the smallest cache holds.
    const crowd: string[] = [];
    for (let n = 0; n < 800; n += 50) {
      crowd.push(...(await Promise.all(Array.from({ length: 50 }, () => openAccount(client)))));
    }
    const shop = await openAccount(client, { type: "merchant" });
    const payers = crowd.filter((_, n) => n % 200 === 0);
    for (const payer of payers) await topUp(client, payer, "100");
    for (const payer of payers) expect((await pay(client, { payer, payee: shop, amount: "60" })).status).toBe(201);
    // Fewer concurrent requests than one caller may have.
    for (let n = 0; n < crowd.length; n += 50) {
      await Promise.all(crowd.slice(n, n + 50).map((account) => topUp(client, account, "1")));
    }
    for (const payer of payers) {
      expectProblem(await pay(client, { payer, payee: shop, amount: "42" }), 422, "insufficient_funds");
      expect((await pay(client, { payer, payee: shop, amount: "41" })).status).toBe(201);
      expect((await balancesOf(client, payer)).posted).toBe("0");
    }
  } finally {
    await server.stop();
    rmSync(dataDir, { recursive: true });
  }
});

describe("the read models", () => {
  test("nothing is lost when the process that delivers it dies in the middle", async () => {
    const payers = await Promise.all([0, 1, 2].map(() => fundedWallet(operator, "100000")));
    const load = startLoad(operator, [...payers, merchant], seeded(17), { width: 8, amountMax: 3 });
    await load.answered(150);
    await ledger.kill();
    await load.end();
    await ledger.start();
    for (const { key, reply } of load.sent) {
      if (reply?.status !== 201) continue;
      const found = await operator.get(`/v1/payments/${textAt(reply.body, "id")}`);
      expect(found.text, key).toBe(reply.text);
    }
  });

  test("nothing is lost or doubled under contention: many callers at once on the same accounts", async () => {
    const payers = await Promise.all(Array.from({ length: 5 }, () => fundedWallet(operator, "1000")));
    const callers = await Promise.all([1, 2, 3, 4].map((n) => ledger.as("operator", `operator-${n}`)));
    const replies = await Promise.all(
      Array.from({ length: 400 }, async (_, n) => {
        const reference = randomUUID();
        const [payer = "", caller = operator] = [payers[n % payers.length], callers[n % callers.length]];
        return { reference, reply: await pay(caller, { payer, payee: merchant, amount: "1", reference }) };
      }),
    );
    expect(replies.filter(({ reply }) => reply.status === 201)).toHaveLength(400);
    const references = new Set<string>(replies.map(({ reference }) => reference));
    for (const payer of payers) {
      const entries = (await entriesOf(operator, payer)).filter((entry) => at(entry, "type") === "payment");
      expect(entries).toHaveLength(80);
      for (const entry of entries) expect(references.delete(textAt(entry, "reference"))).toBe(true);
      expect((await balancesOf(operator, payer)).posted).toBe("920");
    }
    expect(references.size).toBe(0);
  });
});

describe("lists", () => {
  test.each([
    ["/v1/accounts", "currency=HKD"],
    ["/v1/accounts", "balance=0"],
    ["/v1/payments", "reference=x"],
    ["/v1/payments", "payer=x"],
    ["/v1/payments", "minAmount=1"],
    ["entries", "status=captured"],
    ["entries", "counterparty=x"],
    ["balance", "on=2026-01-01"],
  ])("%s refuses the filter %s that it does not have, instead of an empty list", async (path, filter) => {
    const url = path.startsWith("/") ? path : `/v1/accounts/${merchant}/${path}`;
    expectProblem(await operator.get(`${url}?${filter}`), 400);
  });

  test("a cursor keeps the filters it was made with: another's, and none, are refused", async () => {
    const payer = await fundedWallet(operator, "10");
    for (let n = 0; n < 3; n++) await pay(operator, { payer, payee: merchant, amount: "1" });
    const filtered = await operator.get(`/v1/payments?account=${payer}&status=captured&limit=2`);
    expect(listAt(filtered.body, "data")).toHaveLength(2);
    const cursor = encodeURIComponent(textAt(filtered.body, "nextCursor"));
    const next = await operator.get(`/v1/payments?account=${payer}&status=captured&limit=2&cursor=${cursor}`);
    expect(listAt(next.body, "data").map((payment) => at(payment, "payer"))).toEqual([payer]);
    for (const other of ["", `account=${payer}`, `account=${merchant}&status=captured`, "status=captured"]) {
      expectProblem(await operator.get(`/v1/payments?${other}&limit=2&cursor=${cursor}`.replace("?&", "?")), 400);
    }
  });
});

test("a fault of an idempotency key is the client's, never a 500", async () => {
  const payer = await fundedWallet(operator, "100");
  const body = { payer, payee: merchant, amount: "1", currency: "HKD" };
  const key = randomUUID();
  const replies = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      operator.post("/v1/payments", { ...body, amount: String(1 + (n % 2)) }, { key }),
    ),
  );
  for (const reply of replies) if (reply.status !== 201) expectProblem(reply, 422, "idempotency_key_reused");
  expect(new Set(replies.filter(({ status }) => status === 201).map(({ text }) => text)).size).toBe(1);
  const other = { reason: "x" };
  expectProblem(await operator.post(`/v1/accounts/${payer}/freeze`, other, { key }), 422, "idempotency_key_reused");
  const payment = await authorize(operator, payer, merchant, "1");
  expectProblem(await operator.post(`/v1/payments/${payment}/void`, {}, { key }), 422, "idempotency_key_reused");
  for (const bad of [null, "", "k".repeat(256), "a\tb"]) {
    const reply = await fetch(`${ledger.url}/v1/payments`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${operator.token}`,
        "content-type": "application/json",
        ...(bad === null ? {} : { "idempotency-key": bad }),
      },
      body: JSON.stringify(body),
    });
    expect(reply.status, bad ?? "no key").toBe(400);
  }
});
