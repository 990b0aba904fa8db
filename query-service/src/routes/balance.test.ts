import { formatInstant, MILESTONE_SPAN } from "ledger-core";
import { examples } from "ledger-core/testing";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { entriesFrom, openedAccount } from "../testing/history.ts";
import { openModels, type TestModels } from "../testing/models.ts";
import { serveQueries, type TestQueries } from "../testing/served.ts";
import { step, storyEnd, tellStory } from "../testing/story.ts";

const { alice, bank, bob, operator, START } = examples;
const story = tellStory();
let models: TestModels;
let queries: TestQueries;

beforeAll(async () => {
  models = await openModels();
  queries = await serveQueries(models, { clock: () => storyEnd, shards: 2 });
  await models.project(story.events);
});
afterAll(() => models.close());

async function balance(account: string, query = "") {
  const { status, body } = await queries.get(operator, `/v1/accounts/${account}/balance${query}`);
  expect(status).toBe(200);
  const { posted, held, available } = body;
  return [posted, held, available];
}

test("now", async () => {
  const { body, headers } = await queries.get(operator, `/v1/accounts/${bob}/balance`);
  expect(body).toEqual({ account: bob, currency: "HKD", posted: "700", held: "500", available: "200" });
  expect(headers["ledger-position"]).toBe(`0:${story.events.length - 1}`);
  expect(await balance(bank)).toEqual(["-6000", "0", "-6000"]);
});

describe("as of a booking time, inclusive", () => {
  test.each([
    ["1970-01-01T00:00:00Z", ["0", "0", "0"]],
    [formatInstant(step(10) - 1), ["0", "0", "0"]],
    [formatInstant(step(10)), ["1000", "0", "1000"]],
    [formatInstant(step(30) - 1), ["1000", "0", "1000"]],
    [formatInstant(step(30)), ["1000", "800", "200"]],
    [formatInstant(step(31)), ["700", "500", "200"]],
    [formatInstant(storyEnd), ["700", "500", "200"]],
  ])("%s", async (at, expected) => {
    expect(await balance(bob, `?at=${at}`)).toEqual(expected);
  });
});

test("as of every position: the balance that its event left", async () => {
  for (const event of story.events) {
    const at = await balance(alice, `?at=${formatInstant(event.at)}`);
    const last = story.events.findLast(({ at }) => at === event.at);
    expect(await balance(alice, `?position=0:${last?.revision}`)).toEqual(at);
  }
  expect(await balance(bob, `?position=0:${story.hold.revision - 1}`)).toEqual(["1000", "0", "1000"]);
  expect(await balance(bob, `?position=0:${story.hold.revision}`)).toEqual(["1000", "800", "200"]);
});

test("as of a position in a long history, on both sides of each milestone, many events in an instant", async () => {
  const long = await openModels();
  onTestFinished(() => long.close());
  const many = 3 * MILESTONE_SPAN;
  // Only every third event is of the account; a hundred at a time have the same instant.
  const booked = (n: number) => START + Math.floor(n / 100);
  const entries = entriesFrom(alice, 10, many, (n) => ({ at: booked(n) })).filter(({ row }) => row.revision % 3 === 0);
  const milestones = [1, 2, 3].map((span) => {
    return { kind: "milestone", row: { shard: 0, span, at: booked(span * MILESTONE_SPAN) } } as const;
  });
  await long.moveTo(8);
  await long.apply([openedAccount(1, "alice"), ...entries, ...milestones]);
  await long.moveTo(9 + many);
  const asked = await serveQueries(long, { clock: () => storyEnd });
  for (const around of [9, 12, 1023, 1024, 1026, 2047, 2048, 2049, 3000, 3071, 3072, 3075, 3081]) {
    const { body } = await asked.get(operator, `/v1/accounts/${alice}/balance?position=0:${around}`);
    const last = Math.min(Math.floor(around / 3) * 3, 9 + many);
    expect([around, body.posted]).toEqual([around, last < 12 ? "0" : `${last}`]);
    const time = formatInstant(booked(around));
    const then = await asked.get(operator, `/v1/accounts/${alice}/balance?at=${time}`);
    const [latest] = entries.filter(({ row }) => row.at <= booked(around)).slice(-1);
    expect([time, then.body.posted]).toEqual([time, `${latest?.row.balance ?? 0}`]);
  }
});

describe("as of the end of a business date", () => {
  test.each([
    ["2026-11-19", ["0", "0", "0"]],
    // Transferred on the 22nd with effect from the 20th.
    ["2026-11-20", ["1000", "0", "1000"]],
    ["2026-11-21", ["1000", "0", "1000"]],
    ["2026-11-22", ["700", "500", "200"]],
    ["2026-11-30", ["700", "500", "200"]],
    ["0001-01-01", ["0", "0", "0"]],
    ["9999-12-31", ["700", "500", "200"]],
  ])("%s", async (date, expected) => {
    expect(await balance(bob, `?effectiveDate=${date}`)).toEqual(expected);
  });
});

test("before its first entry an account has nothing", async () => {
  for (const query of ["", `?at=${formatInstant(storyEnd)}`, "?position=0:3", "?effectiveDate=2026-11-22"])
    expect(await balance(examples.accountId(5), query)).toEqual(["0", "0", "0"]);
});

describe("refused", () => {
  test.each([
    ["at=2026-11-22T08:31:00.000001Z", "/at"],
    ["at=yesterday", "/at"],
    ["at=2026-11-22T08:30:00%2B08:00", "/at"],
    ["effectiveDate=2026-02-30", "/effectiveDate"],
    ["position=1", "/position"],
    ["position=0:-1", "/position"],
    ["position=2:0", "/position"],
    ["position=1:0", "/position"],
    ["on=2026-11-22", "/on"],
    ["at=2026-11-22T08:30:00Z&position=0:1", "/at"],
    ["effectiveDate=2026-11-22&position=0:1", "/effectiveDate"],
    ["at=2026-11-22T08:30:00Z&effectiveDate=2026-11-22&position=0:1", "/at"],
  ])("?%s", async (query, pointer) => {
    const { status, body } = await queries.get(operator, `/v1/accounts/${bob}/balance?${query}`);
    expect([status, body.code]).toEqual([400, "invalid_query"]);
    expect(body.errors).toContainEqual({ pointer, detail: expect.any(String) });
  });

  test("a position that is not projected in time", async () => {
    const url = `/v1/accounts/${bob}/balance?position=0:1000000`;
    const { status, body, headers } = await queries.get(operator, url, { "ledger-wait": "20" });
    expect([status, body.code, headers["retry-after"]]).toEqual([503, "position_not_reached", "1"]);
  });
});
