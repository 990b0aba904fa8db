import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { type Client, createClient } from "../client.ts";
import { makeToken } from "../harness.ts";
import { at, listAt, textAt } from "../json.ts";
import { balancesOf, fundedWallet, openAccount, pay } from "../steps.ts";
import { startEngines } from "./start.ts";
import { viewLines } from "./view.ts";

/** `npm run start:engines` without its terminal: each service in its own process, on engines, behind one address. */
const data = mkdtempSync(join(tmpdir(), "payledger-engines-"));
afterAll(() => rmSync(data, { recursive: true, force: true }));

const told = "commands and queries through one address; a view of all processes; the same facts after a restart";

// It starts every engine and service twice.
test(told, { timeout: 300_000 }, async () => {
  const first = await startEngines({ data, port: 0, tell: () => undefined });
  const names = first.processes.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(["command-service", "projections", "query-service"]));
  let payer = "";
  try {
    const operator = createClient(
      { url: first.url, revision: -1 },
      await makeToken(data, "operator", "ops", "default"),
    );
    payer = await fundedWallet(operator, "1000", { owner: "alice" });
    const payee = await openAccount(operator, { type: "merchant", owner: "shop" });
    for (let n = 0; n < 10; n++) await pay(operator, { payer, payee, amount: "25" });
    expect(await balancesOf(operator, payer)).toMatchObject({ posted: "750" });
    await vi.waitFor(
      async () => {
        const view = (await viewLines(first.processes)).join("\n");
        expect(view).not.toMatch(/not ready|NOT READY|no answer|ENDED/);
        for (const name of names) expect(view).toMatch(new RegExp(`^${name} +\\d+ +ready`, "m"));
      },
      { timeout: 60_000, interval: 200 },
    );
    await expectRecommendation(operator, payer, payee);
    // Without Kafka there is no mirror; CI has Kafka.
    if (first.engines.some((name) => name.startsWith("Kafka"))) {
      expect(names).toContain("mirror");
      expect((await viewLines(first.processes)).join("\n")).toMatch(/mirror: live at 0:(1[3-9]|2\d)/);
    }
    // Without Redis the read models answer; CI has Redis.
    if (first.engines.some((name) => name.startsWith("Redis"))) {
      const alice = createClient(
        { url: first.url, revision: -1 },
        await makeToken(data, "consumer", "alice", "default"),
      );
      const ofModels = await operator.get(`/v1/accounts/${payer}`);
      await vi.waitFor(
        async () => {
          const { headers, body } = await alice.get("/v1/me/session");
          expect(headers.get("ledger-served-by")).toBe("redis");
          expect(body).toMatchObject({ owner: "alice", accounts: [ofModels.body] });
        },
        { timeout: 60_000, interval: 200 },
      );
    }
  } finally {
    await first.stop();
  }
  expect(first.processes.map(({ ended }) => ended()?.slice(0, 7))).toEqual(names.map(() => "with 0:"));
  const second = await startEngines({ data, port: 0, tell: () => undefined });
  try {
    const operator = createClient(
      { url: second.url, revision: -1 },
      await makeToken(data, "operator", "ops", "default"),
    );
    expect(await balancesOf(operator, payer)).toMatchObject({ posted: "750" });
  } finally {
    await second.stop();
  }
});

/** Another payer of the same merchant pays a second one, which is recommended until the payment is refunded. */
async function expectRecommendation(operator: Client, payer: string, payee: string): Promise<void> {
  const peer = await fundedWallet(operator, "1000", { owner: "bob" });
  const other = await openAccount(operator, { type: "merchant", owner: "other" });
  await pay(operator, { payer: peer, payee, amount: "25" });
  const paid = await pay(operator, { payer: peer, payee: other, amount: "25" });
  // A query that takes the graph too long, such as its first on a busy machine, is answered with 503.
  const recommends = (merchants: readonly string[]) =>
    vi.waitFor(
      async () => {
        const reply = await operator.get(`/v1/accounts/${payer}/recommendations`);
        expect(reply.status, reply.text).toBe(200);
        expect(listAt(reply.body, "data").map((one) => at(one, "merchant"))).toEqual(merchants);
      },
      { timeout: 60_000, interval: 200 },
    );
  await recommends([other]);
  const refund = await operator.post(`/v1/payments/${textAt(paid.body, "id")}/refunds`, {});
  expect(refund.status, refund.text).toBe(201);
  await recommends([]);
}
