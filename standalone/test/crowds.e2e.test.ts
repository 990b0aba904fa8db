import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "./client.ts";
import { createLedger } from "./harness.ts";
import { at, listAt } from "./json.ts";
import { balancesOf, entriesOf, fundedWallet, openAccount, pay, sumOf, sumOfLedger } from "./steps.ts";

const ledger = createLedger();
let operator: Client;
beforeAll(async () => {
  await ledger.start();
  operator = await ledger.as("operator");
});
afterAll(() => ledger.remove());

describe("case 8: crowds", () => {
  test("a thousand payers to one merchant at once: the sum is exact", async () => {
    const merchant = await openAccount(operator, { type: "merchant", owner: "shop" });
    // One caller may have 512 open requests.
    const others = await Promise.all(["b", "c", "d"].map((sub) => ledger.as("operator", sub)));
    const by = (n: number): Client => [operator, ...others][n % 4] ?? operator;
    const payers = await Promise.all(
      Array.from({ length: 1000 }, (_, n) => openAccount(by(n), { owner: `payer-${n}` })),
    );
    const items = payers.map((account, n) => ({
      idempotencyKey: `fund-${n}`,
      command: "top-up",
      account,
      amount: String(n + 1),
      currency: "HKD",
      rail: "fps",
    }));
    const funded = await operator.post("/v1/bulk", { mode: "each", items });
    expect(listAt(funded.body, "results").filter((result) => at(result, "status") === 201)).toHaveLength(1000);
    const replies = await Promise.all(
      payers.map((payer, n) => pay(by(n), { payer, payee: merchant, amount: String(n + 1) })),
    );
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1000);
    expect((await balancesOf(operator, merchant)).posted).toBe("500500");
    const entries = await entriesOf(operator, merchant);
    expect(entries).toHaveLength(1000);
    expect(sumOf(entries, "amount")).toBe(500_500n);
    expect(await sumOfLedger(operator)).toBe(0n);
  });

  test("A to B and B to A at once: no deadlock, and nothing is lost", async () => {
    const [a, b] = [await fundedWallet(operator, "1000"), await fundedWallet(operator, "1000")];
    const replies = await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        n % 2 === 0
          ? pay(operator, { payer: a, payee: b, amount: "3" })
          : pay(operator, { payer: b, payee: a, amount: "2" }),
      ),
    );
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(200);
    expect((await balancesOf(operator, a)).posted).toBe("900");
    expect((await balancesOf(operator, b)).posted).toBe("1100");
  });
});
