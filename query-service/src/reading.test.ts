import { type Position, tables } from "ledger-core";
import { systemRuntime } from "ledger-core/process";
import { connectSqlite } from "ledger-core/sql";
import { examples } from "ledger-core/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { queryLimits } from "./limits.ts";
import { answered, behind } from "./query.ts";
import { openModels, type TestModels } from "./testing/models.ts";
import { serveQueries, type TestQueries } from "./testing/served.ts";
import { tellStory } from "./testing/story.ts";
import { openWaitingRoom, whenReached } from "./waiting.ts";

const { alice, bob, operator } = examples;
const story = tellStory();
const head = story.events.length - 1;
const routes = [
  `/v1/accounts/${alice}`,
  "/v1/accounts",
  `/v1/accounts/${alice}/entries`,
  `/v1/accounts/${alice}/balance`,
  `/v1/accounts/${alice}/recommendations`,
  `/v1/payments/${story.payment.fact.payment.id}`,
  "/v1/payments",
  `/v1/transfers/${story.transfer.fact.transfer}`,
  `/v1/refunds/${story.refunded.fact.refund}`,
  `/v1/top-ups/${story.topUp.fact.topUp}`,
  `/v1/payouts/${story.payout.fact.payout}`,
  "/v1/me/session",
];
let models: TestModels;
let queries: TestQueries;
const listeners = new Set<() => void>();
const wake = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

beforeEach(async () => {
  models = await openModels();
  queries = await serveQueries(models, { shards: 2, wake });
});
afterEach(() => models.close());

describe("every route", () => {
  test("names the position that it served", async () => {
    await models.project(story.events);
    for (const url of routes) {
      const { status, headers } = await queries.get(operator, url);
      expect([url, status]).toEqual([url, 200]);
      expect(headers["ledger-position"]).toMatch(/^0:\d+$/);
    }
  });

  test("refuses a position that is malformed or of no shard, and a wait that is too long", async () => {
    for (const url of routes)
      for (const headers of [
        { "ledger-position": "0" },
        { "ledger-position": "2:0" },
        { "ledger-position": "0:0;1:0" },
        { "ledger-wait": "10001" },
        { "ledger-wait": "soon" },
      ]) {
        const { status, body } = await queries.get(operator, url, headers);
        expect([url, status, body.code]).toEqual([url, 400, "invalid_header"]);
      }
  });

  test("answers 503 with Retry-After if it does not reach the position in time, found or not", async () => {
    await models.project(story.events);
    for (const url of [...routes, `/v1/accounts/${examples.accountId(99)}`])
      for (const position of [`0:${head + 1000}`, "1:0", `0:0, 1:0`]) {
        const headers = { "ledger-position": position, "ledger-wait": "0" };
        const answer = await queries.get(operator, url, headers);
        expect([url, answer.status, answer.body.code]).toEqual([url, 503, "position_not_reached"]);
        expect(answer.headers["retry-after"]).toBe("1");
      }
  });

  test("serves nothing before anything was projected", async () => {
    for (const url of routes) {
      const { status, body } = await queries.get(operator, url, { "ledger-wait": "0" });
      expect([url, status, body.code]).toEqual([url, 503, "position_not_reached"]);
    }
  });
});

test("a command's position makes its effect visible: the answer waits for the projection", async () => {
  await models.project(story.events.slice(0, 6));
  const ask = { "ledger-position": `0:${head}`, "ledger-wait": "10000" };
  const wait = queries.get(operator, `/v1/accounts/${bob}`, ask);
  await models.project(story.events.slice(6));
  for (const listener of listeners) listener();
  const { body, headers } = await wait;
  expect(body).toMatchObject({ status: "frozen", balances: { posted: "700" } });
  expect(headers["ledger-position"]).toBe(`0:${head}`);
});

test("without a wake-up the store is polled", async () => {
  await models.moveTo(0);
  const polled = await serveQueries(models);
  const wait = polled.get(operator, "/v1/payments", { "ledger-position": "0:5", "ledger-wait": "10000" });
  await models.moveTo(7);
  expect((await wait).headers["ledger-position"]).toBe("0:7");
});

test("the next page is not served by a replica that is behind the previous page", async () => {
  await models.project(story.events);
  const { body } = await queries.get(operator, "/v1/accounts?limit=1");
  const behind = await openModels();
  try {
    await behind.project(story.events.slice(0, 3));
    const replica = await serveQueries(behind);
    const next = `/v1/accounts?limit=1&cursor=${body.nextCursor}`;
    expect((await replica.get(operator, next, { "ledger-wait": "0" })).status).toBe(503);
    await behind.project(story.events.slice(3));
    expect((await replica.get(operator, next, { "ledger-wait": "0" })).status).toBe(200);
  } finally {
    await behind.close();
  }
});

test("the position of one store is not trusted for another that answers", async () => {
  const positions: readonly Position[] = [{ shard: 0, revision: 5 }];
  const room = openWaitingRoom({ positions: async () => positions });
  const rooms = new Map([["models", room]]);
  let attempts = 0;
  const there = answered(positions, "{}");
  const query = { route: "payments", caller: operator, path: "", id: "", parameters: {}, required: positions };
  const options = { rooms, runtime: systemRuntime, limits: queryLimits };
  const late = async () => (++attempts < 4 ? behind("models", positions) : there);
  const soon = { required: positions, deadlineMs: performance.now() + 10_000 };
  expect(await whenReached({ ...options, run: late }, query, soon)).toEqual(there);
  const never = async () => behind("models", positions);
  const freshness = { required: positions, deadlineMs: performance.now() + 30 };
  await expect(whenReached({ ...options, run: never }, query, freshness)).rejects.toMatchObject({
    code: "position_not_reached",
  });
});

test("a switch to another build is served from the next request on, its tables gone or not", async () => {
  await models.project(story.events);
  expect((await queries.get(operator, `/v1/accounts/${alice}`)).status).toBe(200);
  for (const table of [tables.accounts, tables.entryRuns, tables.entries, tables.holdChanges])
    await models.writer.raw(`create table ${table}_v2 as select * from ${table} where 1 = 0`);
  await models.writer.raw(`insert into ${tables.checkpoints} values ('models', 2, 0, 40)`);
  await models.writer.raw(`update ${tables.modelVersions} set version = 2, suffix = '_v2'`);
  await models.writer.raw(`drop table ${tables.accounts}`);
  const { status, body } = await queries.get(operator, `/v1/accounts/${alice}`, { "ledger-position": "0:40" });
  expect([status, body.code]).toEqual([404, "account_not_found"]);
});

describe("a store that cannot be read", () => {
  test("has no tables", async () => {
    await models.writer.raw(`drop table ${tables.modelVersions}`);
    const { status, body, headers } = await queries.get(operator, "/v1/payments");
    expect([status, body.code, headers["retry-after"]]).toEqual([503, "store_unavailable", "1"]);
  });

  test("is not there", async () => {
    const file = "/nowhere/models.sqlite";
    const reader = connectSqlite({ file, readOnly: true });
    const nowhere = await serveQueries({ ...models, reader });
    const { status, body } = await nowhere.get(operator, "/v1/payments", { "ledger-position": "0:1" });
    expect([status, body.code]).toEqual([503, "store_unavailable"]);
    await reader.destroy();
  });
});
