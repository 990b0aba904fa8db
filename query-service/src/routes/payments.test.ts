import { type Caller, formatInstant, paymentBody } from "ledger-core";
import { examples } from "ledger-core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openedAccount, paymentChange } from "../testing/history.ts";
import { openModels, type TestModels } from "../testing/models.ts";
import { allPages, serveQueries, type TestQueries } from "../testing/served.ts";
import { foreigner, step, tellStory } from "../testing/story.ts";

const { accountId, alice, bob, consumer, merchant, operator, shop } = examples;
const story = tellStory();
const charge = story.payment.fact.payment.id;
const hold = story.hold.fact.payment.id;
let models: TestModels;
let queries: TestQueries;

beforeAll(async () => {
  models = await openModels();
  queries = await serveQueries(models);
  await models.project(story.events);
});
afterAll(() => models.close());

async function ids(caller: Caller, query = "") {
  return (await queries.list(caller, `/v1/payments?${query}`)).map(({ id }) => id);
}

test("a payment as its last event left it, the same as the command answered", async () => {
  const { status, body } = await queries.get(operator, `/v1/payments/${charge}`);
  expect(status).toBe(200);
  expect(body).toEqual(paymentBody(story.refunded.fact.payment));
  expect(body).toMatchObject({ status: "partially_refunded", amount: "1200", captured: "1200", refunded: "200" });
});

describe("lists", () => {
  test("the tenant's, newest first", async () => {
    expect(await ids(operator, "limit=50")).toEqual([hold, charge]);
    expect(await ids(operator, "order=asc")).toEqual([charge, hold]);
    expect(await ids(foreigner, "limit=50")).toEqual([]);
  });

  test("those that touch an account of the caller's, from either side", async () => {
    expect(await ids(consumer("alice"), "limit=50")).toEqual([charge]);
    expect(await ids(consumer("bob"), "limit=50")).toEqual([hold]);
    expect(await ids(merchant("sam"), "limit=50")).toEqual([hold, charge]);
    expect(await ids(consumer("nobody"), "limit=50")).toEqual([]);
  });

  const at = (n: number, more = 0) => formatInstant(step(n) + more);
  test.each([
    [`account=${alice}`, [charge]],
    [`account=${shop}`, [hold, charge]],
    [`account=${bob}&status=partially_captured`, [hold]],
    [`account=${bob}&status=captured`, []],
    [`account=${examples.accountId(99)}`, []],
    ["status=partially_refunded", [charge]],
    ["status=voided", []],
    [`from=${at(20)}`, [hold, charge]],
    [`from=${at(20, 1)}`, [hold]],
    [`to=${at(30)}`, [charge]],
    [`to=${at(30, 1)}`, [hold, charge]],
    [`from=${at(20)}&to=${at(20)}`, []],
    [`from=${at(20)}&to=${at(20, 1)}&order=asc&status=partially_refunded`, [charge]],
  ])("%s", async (query, expected) => {
    expect(await ids(operator, query)).toEqual(expected);
    // Both touch Sam's shop: he finds the same payments through other indexes.
    if (!query.startsWith("account=")) expect(await ids(merchant("sam"), query)).toEqual(expected);
  });

  test("an account that is not the caller's has no payments", async () => {
    expect(await ids(consumer("alice"), `account=${bob}`)).toEqual([]);
    expect(await ids(merchant("sam"), `account=${alice}`)).toEqual([]);
    expect(await ids(foreigner, `account=${alice}`)).toEqual([]);
  });

  test("a malformed account id is a fault", async () => {
    const { status, body } = await queries.get(operator, "/v1/payments?account=alice");
    expect([status, body.code, body.errors]).toEqual([
      400,
      "invalid_query",
      [{ pointer: "/account", detail: expect.any(String) }],
    ]);
  });
});

describe("an owner of many accounts", () => {
  const accounts = Array.from({ length: 230 }, (_, n) => 1000 + n);
  // Each pays the next, so that nearly every payment touches two of the owner's accounts; a stranger's accounts lie
  // between them.
  const payments = Array.from({ length: 229 }, (_, n) =>
    paymentChange(n * 2, { payer: accountId(1000 + n), payee: accountId(1001 + n) }),
  );
  const ofOthers = Array.from({ length: 50 }, (_, n) => paymentChange(n * 8 + 1, { payer: bob, payee: alice }));

  test.each([
    ["asc", 200],
    ["desc", 200],
    ["desc", 40],
  ])("sees each of its payments once, %s, in pages of %i", async (order, limit) => {
    const own = await openModels();
    try {
      const others = [openedAccount(1, "alice"), openedAccount(2, "bob")];
      const changes = [...payments, ...ofOthers].flatMap((payment) => payment.changes);
      await own.apply([...others, ...accounts.map((n) => openedAccount(n, "chain")), ...changes]);
      const pages = await allPages(
        await serveQueries(own),
        merchant("chain"),
        `/v1/payments?limit=${limit}&order=${order}`,
      );
      const seen = pages.flat().map(({ id }) => id);
      const expected = payments.map(({ id }) => id);
      expect(seen).toEqual(order === "asc" ? expected : expected.toReversed());
      expect(pages.slice(0, -1).every((rows) => rows.length === limit)).toBe(true);
    } finally {
      await own.close();
    }
  });
});
