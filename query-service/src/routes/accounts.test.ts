import { examples } from "ledger-core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openModels, type TestModels } from "../testing/models.ts";
import { allPages, serveQueries, type TestQueries } from "../testing/served.ts";
import { foreigner, tellStory } from "../testing/story.ts";

const { alice, bank, bob, consumer, operator, shop } = examples;
const savings = examples.accountId(5);
let models: TestModels;
let queries: TestQueries;

beforeAll(async () => {
  models = await openModels();
  queries = await serveQueries(models);
  await models.project(tellStory().events);
});
afterAll(() => models.close());

async function ids(caller: Parameters<TestQueries["list"]>[0], url: string) {
  return (await queries.list(caller, url)).map(({ id }) => id);
}

test("an account with its balances, at the position served", async () => {
  const { status, body, headers } = await queries.get(operator, `/v1/accounts/${bob}`);
  expect(status).toBe(200);
  expect(body).toEqual({
    id: bob,
    type: "wallet",
    currency: "HKD",
    owner: "bob",
    displayName: null,
    timeZone: "Asia/Hong_Kong",
    status: "frozen",
    limits: { floor: "0", perTransaction: null, perDay: null },
    balances: { posted: "700", held: "500", available: "200" },
    openedAt: "2026-11-21T08:30:00.000000Z",
  });
  expect(headers["ledger-position"]).toMatch(/^0:\d+$/);
});

describe("lists", () => {
  test("newest first, or oldest", async () => {
    const newest = await ids(operator, "/v1/accounts");
    expect(newest).toEqual([...newest].sort().reverse());
    expect(await ids(operator, "/v1/accounts?order=asc")).toEqual(newest.toReversed());
  });

  test("an operator's holds all of the tenant's, the ledger's own included", async () => {
    const types = (await queries.list(operator, "/v1/accounts")).map(({ type }) => type);
    expect(types.sort()).toEqual(["bank", "clearing", "merchant", "wallet", "wallet", "wallet"]);
    expect(await ids(foreigner, "/v1/accounts")).toEqual([]);
  });

  test("by owner, type and status, alone and together", async () => {
    expect(await ids(operator, "/v1/accounts?owner=alice")).toEqual([savings, alice]);
    expect(await ids(operator, "/v1/accounts?type=merchant")).toEqual([shop]);
    expect(await ids(operator, "/v1/accounts?status=frozen")).toEqual([bob]);
    expect(await ids(operator, "/v1/accounts?type=wallet&status=frozen")).toEqual([bob]);
    expect(await ids(operator, "/v1/accounts?type=bank&status=frozen")).toEqual([]);
    expect(await ids(operator, "/v1/accounts?owner=alice&type=bank")).toEqual([]);
    expect(await ids(operator, "/v1/accounts?owner=bank&type=bank&status=open")).toEqual([bank]);
    expect(await ids(operator, "/v1/accounts?owner=nobody")).toEqual([]);
  });

  test("a consumer sees its own, whatever it filters by", async () => {
    expect(await ids(consumer("alice"), "/v1/accounts")).toEqual([savings, alice]);
    expect(await ids(consumer("alice"), "/v1/accounts?owner=alice&type=wallet")).toEqual([savings, alice]);
    expect(await ids(consumer("alice"), "/v1/accounts?owner=bob")).toEqual([]);
    expect(await ids(consumer("alice"), "/v1/accounts?type=bank")).toEqual([]);
    expect(await ids(consumer("nobody"), "/v1/accounts")).toEqual([]);
  });

  test.each(["asc", "desc"])("page by page, %s, they are the whole list", async (order) => {
    const whole = await ids(operator, `/v1/accounts?order=${order}`);
    const pages = await allPages(queries, operator, `/v1/accounts?order=${order}&limit=2`);
    expect(pages.map((rows) => rows.length)).toEqual([2, 2, 2]);
    expect(pages.flat().map(({ id }) => id)).toEqual(whole);
  });
});
