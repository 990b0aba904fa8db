import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Client, ClientReply } from "../client.ts";
import { textAt } from "../json.ts";
import { authorize, fundedWallet, openAccount, pay, topUp } from "../steps.ts";

/**
 * Makes objects of every kind and state, and writes their ids, with some unused ones, into a folder, one file per kind,
 * as dictionaries for schemathesis. Alice pays the shop.
 */
export async function writeIds(operator: Client, folder: string): Promise<void> {
  const made = async (path: string, body: object): Promise<string> => idOf(await operator.post(path, body));
  const alice = await fundedWallet(operator, "1000000", { owner: "alice" });
  const other = await fundedWallet(operator, "1000000", { owner: "alice" });
  const shop = await openAccount(operator, { type: "merchant", owner: "shop" });
  const spare = await openAccount(operator, { owner: "alice" });
  const frozen = await fundedWallet(operator, "10", { owner: "alice" });
  const closed = await openAccount(operator, { owner: "alice" });
  const yen = await openAccount(operator, { owner: "alice", currency: "JPY" });
  await made(`/v1/accounts/${frozen}/freeze`, { reason: "asked for" });
  await made(`/v1/accounts/${closed}/close`, { reason: "asked for" });

  const bodies = [{}, {}, {}, {}, { expiresAt: "2100-01-01T00:00:00.000000Z" }];
  const payments = await Promise.all(bodies.map(() => authorize(operator, alice, shop, "100")));
  const [captured = "", voided = ""] = payments;
  const paid = idOf(await pay(operator, { payer: other, payee: shop, amount: "500" }));
  await made(`/v1/payments/${captured}/capture`, { amount: "40" });
  await made(`/v1/payments/${voided}/void`, {});
  const transfer = await made("/v1/transfers", { legs: [{ from: alice, to: other, amount: "5" }], currency: "HKD" });
  const refund = await made(`/v1/payments/${paid}/refunds`, { amount: "7" });
  const payout = await made("/v1/payouts", { account: shop, amount: "3", currency: "HKD", rail: "fps" });
  const topped = idOf(await topUp(operator, alice, "9"));

  const write = (name: string, prefix: string, ids: readonly string[]) => {
    const all = [...ids, `${prefix}_${"7".repeat(26)}`, "x"];
    writeFileSync(join(folder, name), all.map((id) => `${JSON.stringify(id)}\n`).join(""));
  };
  write("accounts", "acct", [spare, alice, other, shop, frozen, closed, yen]);
  write("payers", "acct", [alice, other, alice, other, frozen, closed, yen]);
  write("payees", "acct", [shop, shop, shop, frozen, closed, yen]);
  write("payments", "pay", [...payments, paid]);
  write("transfers", "txf", [transfer]);
  write("refunds", "rfd", [refund]);
  write("top-ups", "top", [topped]);
  write("payouts", "pyt", [payout]);
  // Of nobody: the tokens of this run must stay good.
  write("sessions", "ses", [randomUUID(), randomUUID()]);
}

function idOf(reply: ClientReply): string {
  expect(reply.status, reply.text).toBeLessThan(300);
  return textAt(reply.body, "id");
}
