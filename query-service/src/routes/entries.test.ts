import { formatInstant } from "ledger-core";
import { examples } from "ledger-core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openModels, type TestModels } from "../testing/models.ts";
import { allPages, serveQueries, type TestQueries } from "../testing/served.ts";
import { step, tellStory } from "../testing/story.ts";

const { alice, bob, bank, operator, shop } = examples;
const story = tellStory();
let models: TestModels;
let queries: TestQueries;

beforeAll(async () => {
  models = await openModels();
  queries = await serveQueries(models);
  await models.project(story.events);
});
afterAll(() => models.close());

async function amounts(account: string, query = "") {
  return (await queries.list(operator, `/v1/accounts/${account}/entries?${query}`)).map(({ amount }) => amount);
}

test("an entry, with its sign, the balance after it, its counterparty and its source", async () => {
  const [entry] = await queries.list(operator, `/v1/accounts/${alice}/entries?order=asc`);
  expect(entry).toEqual({
    id: expect.stringMatching(/^ent_[0-9a-hjkmnp-tv-z]{26}$/),
    account: alice,
    amount: "5000",
    balanceAfter: "5000",
    currency: "HKD",
    type: "transfer",
    bookedAt: formatInstant(step(10)),
    effectiveDate: "2026-11-20",
    counterparty: bank,
    reference: "salary",
    source: { kind: "transfer", id: story.transfer.fact.transfer },
    position: `0:${story.transfer.revision}`,
  });
});

test("newest first unless asked otherwise, and the running balance has no gap", async () => {
  expect(await amounts(alice)).toEqual(["50", "200", "-1200", "5000"]);
  expect(await amounts(alice, "order=asc")).toEqual(["5000", "-1200", "200", "50"]);
  expect(await amounts(shop)).toEqual(["-100", "300", "-200", "1200"]);
  const rows = await queries.list(operator, `/v1/accounts/${shop}/entries?order=asc`);
  let balance = 0n;
  for (const { amount, balanceAfter } of rows) {
    balance += BigInt(String(amount));
    expect(balanceAfter).toBe(balance.toString());
  }
});

describe("filters", () => {
  const at = (n: number) => encodeURIComponent(formatInstant(step(n)));
  test.each([
    ["type=refund", ["200"]],
    ["type=payout", []],
    ["reference=INV-1", ["200", "-1200"]],
    ["reference=inv-1", []],
    ["reference=INV-1&type=payment", ["-1200"]],
    ["reference=FPS-7", ["50"]],
    ["minAmount=0", ["50", "200", "-1200", "5000"]],
    ["minAmount=1200", ["-1200", "5000"]],
    ["maxAmount=0", []],
    ["maxAmount=200", ["50", "200"]],
    ["minAmount=200&maxAmount=1200", ["200", "-1200"]],
    ["minAmount=1201&maxAmount=1200", []],
    [`from=${at(20)}`, ["50", "200", "-1200"]],
    [`to=${at(20)}`, ["5000"]],
    [`from=${at(20)}&to=${at(21)}`, ["-1200"]],
    [`from=${at(20)}&to=${at(20)}`, []],
    [`from=${at(21)}&minAmount=100`, ["200"]],
    [`to=${at(40)}&order=asc`, ["5000", "-1200", "200"]],
    ["from=1970-01-01T00:00:00Z&to=2254-12-31T23:59:59.999999Z", ["50", "200", "-1200", "5000"]],
  ])("%s", async (query, expected) => {
    expect(await amounts(alice, query)).toEqual(expected);
    const paged = await allPages(queries, operator, `/v1/accounts/${alice}/entries?${query}&limit=1`);
    expect(paged.flat().map(({ amount }) => amount)).toEqual(expected);
  });
});

test("no entries is an empty list", async () => {
  expect(await amounts(examples.accountId(5))).toEqual([]);
  expect((await amounts(bob)).length).toBe(2);
});
