import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, revisionOf } from "./client.ts";
import { createLedger } from "./harness.ts";
import { textAt } from "./json.ts";
import { authorize, balancesOf, entriesOf, expectProblem, fundedWallet, openAccount, pay } from "./steps.ts";

const ledger = createLedger();
let operator: Client;
let payee: string;
beforeAll(async () => {
  await ledger.start();
  operator = await ledger.as("operator");
  payee = await openAccount(operator, { type: "merchant", owner: "shop" });
});
afterAll(() => ledger.remove());

const capture = (payment: string, body?: object) => operator.post(`/v1/payments/${payment}/capture`, body ?? {});
const release = (payment: string) => operator.post(`/v1/payments/${payment}/void`);

describe("case 4: available money is spent once", () => {
  test("a balance of 5000 allows five holds of 1000", async () => {
    const payer = await fundedWallet(operator, "5000");
    for (let i = 0; i < 5; i++) await authorize(operator, payer, payee, "1000");
    const sixth = await pay(operator, { payer, payee, amount: "1000", capture: "manual" });
    expectProblem(sixth, 422, "insufficient_funds");
    expect(await balancesOf(operator, payer)).toEqual({ posted: "5000", held: "5000", available: "0" });
    expect(await entriesOf(operator, payer)).toHaveLength(1);
  });

  test("of a hundred debits of 1 at once on 50 exactly fifty succeed", async () => {
    const payer = await fundedWallet(operator, "50");
    const replies = await Promise.all(Array.from({ length: 100 }, () => pay(operator, { payer, payee, amount: "1" })));
    expect(replies.filter((reply) => reply.status === 201)).toHaveLength(50);
    for (const reply of replies.filter(({ status }) => status !== 201)) expectProblem(reply, 422, "insufficient_funds");
    expect(await balancesOf(operator, payer)).toEqual({ posted: "0", held: "0", available: "0" });
    expect(await entriesOf(operator, payer)).toHaveLength(51);
  });
});

describe("case 5: a hold ends once", () => {
  test("hold 100: capture 40, then 60, then 1 is refused", async () => {
    const payer = await fundedWallet(operator, "100");
    const payment = await authorize(operator, payer, payee, "100");
    const first = await capture(payment, { amount: "40" });
    expect(first.body).toMatchObject({ id: payment, status: "partially_captured", captured: "40", amount: "100" });
    expect(await balancesOf(operator, payer)).toEqual({ posted: "60", held: "60", available: "0" });
    expectProblem(await capture(payment, { amount: "61" }), 422, "capture_exceeds_authorized");
    const second = await capture(payment, { amount: "60" });
    expect(second.body).toMatchObject({ status: "captured", captured: "100" });
    expectProblem(await capture(payment, { amount: "1" }), 409, "payment_not_capturable");
    expect(await balancesOf(operator, payer)).toEqual({ posted: "0", held: "0", available: "0" });
  });

  test("a final capture of 60 of 100 releases 40", async () => {
    const payer = await fundedWallet(operator, "100");
    const payment = await authorize(operator, payer, payee, "100");
    const reply = await capture(payment, { amount: "60", final: true });
    expect(reply.body).toMatchObject({ status: "captured", captured: "60", amount: "100" });
    expect(await balancesOf(operator, payer)).toEqual({ posted: "40", held: "0", available: "40" });
    expectProblem(await capture(payment), 409, "payment_not_capturable");
  });

  test("a capture without amount takes all that is left, also without a body", async () => {
    const payer = await fundedWallet(operator, "100");
    const payment = await authorize(operator, payer, payee, "100");
    await capture(payment, { amount: "30" });
    const rest = await operator.post(`/v1/payments/${payment}/capture`, {});
    expect(rest.body).toMatchObject({ status: "captured", captured: "100" });
  });

  test("capture against void at once: one winner", async () => {
    for (let round = 0; round < 10; round++) {
      const payer = await fundedWallet(operator, "100");
      const payment = await authorize(operator, payer, payee, "100");
      const [captured, voided] = await Promise.all([capture(payment), release(payment)]);
      expect([captured.status, voided.status].sort()).toEqual([200, 409]);
      const won = captured.status === 200;
      if (won) expectProblem(voided, 409, "payment_not_voidable");
      else expectProblem(captured, 409, "payment_not_capturable");
      const left = won ? "0" : "100";
      expect(await balancesOf(operator, payer)).toEqual({ posted: left, held: "0", available: left });
    }
  });

  test("a void releases the uncaptured rest; a partially captured payment then is captured", async () => {
    const payer = await fundedWallet(operator, "100");
    const whole = await authorize(operator, payer, payee, "50");
    const part = await authorize(operator, payer, payee, "50");
    expect((await release(whole)).body).toMatchObject({ status: "voided", captured: "0" });
    await capture(part, { amount: "20" });
    expect((await release(part)).body).toMatchObject({ status: "captured", captured: "20" });
    expect(await balancesOf(operator, payer)).toEqual({ posted: "80", held: "0", available: "80" });
  });

  test("an authorization expires within 15 s, without traffic; then it cannot be captured or voided", async () => {
    const payer = await fundedWallet(operator, "100");
    const expiresAt = new Date(Date.now() + 1500).toISOString();
    const made = await pay(operator, { payer, payee, amount: "100", capture: "manual", expiresAt });
    expect(made.status, made.text).toBe(201);
    const payment = textAt(made.body, "id");
    expect(Date.parse(textAt(made.body, "expiresAt"))).toBe(Date.parse(expiresAt));
    // Only the expiry itself can reach the next position; the query waits for it, twice the longest wait.
    const next = { "ledger-position": `0:${revisionOf(made) + 1}`, "ledger-wait": "10000" };
    const early = await operator.get(`/v1/payments/${payment}`, next);
    const seen = early.status === 503 ? await operator.get(`/v1/payments/${payment}`, next) : early;
    expect(seen.body).toMatchObject({ status: "expired", captured: "0" });
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expiresAt));
    expect(Date.now()).toBeLessThan(Date.parse(expiresAt) + 15_000);
    expect(await balancesOf(operator, payer)).toEqual({ posted: "100", held: "0", available: "100" });
    expectProblem(await capture(payment), 409, "payment_expired");
    expectProblem(await release(payment), 409);
  });

  test("an expiry that falls due while the server is down is booked after the start", async () => {
    const payer = await fundedWallet(operator, "100");
    const expiresAt = new Date(Date.now() + 300).toISOString();
    const made = await pay(operator, { payer, payee, amount: "100", capture: "manual", expiresAt });
    await ledger.kill();
    await ledger.start();
    // One more event than the new writer's own.
    const next = { "ledger-position": `0:${revisionOf(made) + 2}`, "ledger-wait": "10000" };
    const path = `/v1/payments/${textAt(made.body, "id")}`;
    const early = await operator.get(path, next);
    expect((early.status === 503 ? await operator.get(path, next) : early).body).toMatchObject({ status: "expired" });
    expect((await balancesOf(operator, payer)).available).toBe("100");
  });

  test("an expiresAt in the past is refused", async () => {
    const payer = await fundedWallet(operator, "100");
    const expiresAt = "2020-01-01T00:00:00.000000Z";
    expectProblem(await pay(operator, { payer, payee, amount: "1", capture: "manual", expiresAt }), 422);
  });
});
