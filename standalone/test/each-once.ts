import { expect } from "vitest";
import type { Client } from "./client.ts";
import { at, textAt } from "./json.ts";
import type { SentPayment } from "./load.ts";
import { entriesOf, readAll, sumOf } from "./steps.ts";

/**
 * Compares the read models with the acknowledged payments: the same payments, each once, and balances that follow from
 * them.
 */
export async function expectEachOnce(
  operator: Client,
  accounts: readonly string[],
  acknowledged: ReadonlyMap<string, SentPayment>,
): Promise<void> {
  const references = new Map<string, number>();
  for (const account of accounts) {
    const entries = await entriesOf(operator, account);
    const reply = await operator.get(`/v1/accounts/${account}`);
    expect(sumOf(entries, "amount")).toBe(BigInt(textAt(reply.body, "balances", "posted")));
    for (const entry of entries) {
      if (at(entry, "type") !== "payment") continue;
      const reference = textAt(entry, "reference");
      references.set(reference, (references.get(reference) ?? 0) + 1);
      expect(textAt(entry, "source", "id")).toBe(textAt(acknowledged.get(reference)?.reply?.body, "id"));
    }
  }
  // Each payment appears in two accounts.
  expect([...references.values()].every((count) => count === 2)).toBe(true);
  expect([...references.keys()].sort()).toEqual([...acknowledged.keys()].sort());
  const payments = await readAll(operator, "/v1/payments");
  expect(payments).toHaveLength(acknowledged.size);
}
