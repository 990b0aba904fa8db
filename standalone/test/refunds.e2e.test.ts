import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "./client.ts";
import { createLedger } from "./harness.ts";
import { textAt } from "./json.ts";
import {
  authorize,
  balancesOf,
  entriesOf,
  eventsDuring,
  expectProblem,
  fundedWallet,
  openAccount,
  pay,
} from "./steps.ts";

const ledger = createLedger();
let operator: Client;
beforeAll(async () => {
  await ledger.start();
  operator = await ledger.as("operator");
});
afterAll(() => ledger.remove());

const refund = (payment: string, body: object = {}, key: string = randomUUID()) =>
  operator.post(`/v1/payments/${payment}/refunds`, body, { key });

/** 60 captured of 100. */
async function capturedPayment() {
  const payer = await fundedWallet(operator, "100");
  const payee = await openAccount(operator, { type: "merchant" });
  const payment = await authorize(operator, payer, payee, "100");
  const captured = await operator.post(`/v1/payments/${payment}/capture`, { amount: "60", final: true });
  expect(captured.status).toBe(200);
  return { payer, payee, payment };
}

describe("case 6: never more than captured comes back", () => {
  test("of 60 captured a refund of 61 is refused", async () => {
    const { payer, payment } = await capturedPayment();
    expectProblem(await refund(payment, { amount: "61" }), 422, "refund_exceeds_captured");
    expect((await balancesOf(operator, payer)).posted).toBe("40");
  });

  test("of two refunds of 40 at once one succeeds", async () => {
    const { payer, payee, payment } = await capturedPayment();
    const replies = await Promise.all([refund(payment, { amount: "40" }), refund(payment, { amount: "40" })]);
    expect(replies.map(({ status }) => status).sort()).toEqual([201, 422]);
    expect((await balancesOf(operator, payer)).posted).toBe("80");
    expect((await balancesOf(operator, payee)).posted).toBe("20");
    expect((await operator.get(`/v1/payments/${payment}`)).body).toMatchObject({
      status: "partially_refunded",
      captured: "60",
      refunded: "40",
    });
  });

  test("a refused duplicate changes no balance", async () => {
    const { payer, payment } = await capturedPayment();
    const key = randomUUID();
    const first = await refund(payment, { amount: "61" }, key);
    const second = await refund(payment, { amount: "61" }, key);
    expect(second.text).toBe(first.text);
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect((await balancesOf(operator, payer)).posted).toBe("40");
    expect(await entriesOf(operator, payer)).toHaveLength(2);
  });

  test("several refunds until nothing is left, each a separate object", async () => {
    const { payer, payment } = await capturedPayment();
    const first = await refund(payment, { amount: "10", reason: "too slow" });
    expect(first.body).toMatchObject({ payment, amount: "10", currency: "HKD", feeReturned: "0", reason: "too slow" });
    const rest = await refund(payment);
    expect(rest.body).toMatchObject({ payment, amount: "50", reason: null });
    expect((await operator.get(`/v1/refunds/${textAt(first.body, "id")}`)).text).toBe(first.text);
    expect((await operator.get(`/v1/payments/${payment}`)).body).toMatchObject({ status: "refunded", refunded: "60" });
    expect((await balancesOf(operator, payer)).posted).toBe("100");
  });

  test("a refund may take the merchant below zero, a payment may not", async () => {
    const { payee, payment } = await capturedPayment();
    const out = await operator.post("/v1/payouts", { account: payee, amount: "60", currency: "HKD", rail: "fps" });
    expect(out.body).toMatchObject({ account: payee, amount: "60", status: "settled" });
    expect((await refund(payment, { amount: "60" })).status).toBe(201);
    expect((await balancesOf(operator, payee)).posted).toBe("-60");
    const payout = await operator.post("/v1/payouts", { account: payee, amount: "1", currency: "HKD", rail: "fps" });
    expectProblem(payout, 422, "insufficient_funds");
  });

  test("an uncaptured amount cannot be refunded", async () => {
    const payer = await fundedWallet(operator, "100");
    const payee = await openAccount(operator, { type: "merchant" });
    const payment = await authorize(operator, payer, payee, "100");
    expectProblem(await refund(payment), 409, "payment_not_refundable");
    await operator.post(`/v1/payments/${payment}/void`, {});
    expectProblem(await refund(payment), 409, "payment_not_refundable");
  });
});

describe("case 13: reversing twice", () => {
  test("a second full refund is a conflict and changes nothing", async () => {
    const { payer, payee, payment } = await capturedPayment();
    expect((await refund(payment)).status).toBe(201);
    const before = [await balancesOf(operator, payer), await balancesOf(operator, payee)];
    expectProblem(await refund(payment), 409, "payment_not_refundable");
    expectProblem(await refund(payment, { amount: "1" }), 409, "payment_not_refundable");
    expect([await balancesOf(operator, payer), await balancesOf(operator, payee)]).toEqual(before);
    expect(await entriesOf(operator, payer)).toHaveLength(3);
  });

  test("a second void is a conflict and changes nothing", async () => {
    const payer = await fundedWallet(operator, "100");
    const payee = await openAccount(operator, { type: "merchant" });
    const payment = await authorize(operator, payer, payee, "100");
    expect((await operator.post(`/v1/payments/${payment}/void`)).status).toBe(200);
    expectProblem(await operator.post(`/v1/payments/${payment}/void`), 409, "payment_not_voidable");
    expect(await balancesOf(operator, payer)).toEqual({ posted: "100", held: "0", available: "100" });
  });

  test("a payment that was captured whole cannot be voided", async () => {
    const payer = await fundedWallet(operator, "100");
    const payee = await openAccount(operator, { type: "merchant" });
    const made = await pay(operator, { payer, payee, amount: "100" });
    expectProblem(await operator.post(`/v1/payments/${textAt(made.body, "id")}/void`, {}), 409, "payment_not_voidable");
  });

  test("a payment that does not exist is absent to every command, and nothing is stored", async () => {
    const absent = `pay_${"0".repeat(26)}`;
    const appended = await eventsDuring(operator, async () => {
      for (const verb of ["capture", "void", "refunds"])
        expectProblem(await operator.post(`/v1/payments/${absent}/${verb}`, {}), 404, "payment_not_found");
    });
    expect(appended).toBe(0);
  });
});
