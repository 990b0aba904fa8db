import { type Caller, formatInstant } from "ledger-core";
import { examples } from "ledger-core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openModels, type TestModels } from "../testing/models.ts";
import { type ServedAnswer, serveQueries, type TestQueries } from "../testing/served.ts";
import { step, tellStory } from "../testing/story.ts";

const { alice, bob, consumer, operator, stranger } = examples;
const story = tellStory();
let models: TestModels;
let queries: TestQueries;

beforeAll(async () => {
  models = await openModels();
  queries = await serveQueries(models);
  await models.project(story.events);
});
afterAll(() => models.close());

function expectProblem(answer: ServedAnswer, status: number, code: string): void {
  expect([answer.status, answer.body.code]).toEqual([status, code]);
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  expect(answer.body).toMatchObject({ type: `/problems/${code}`, status, title: expect.any(String) });
  expect(answer.text).not.toMatch(/node_modules|\.ts:\d|select |sqlite/i);
}

const lists = ["/v1/accounts", `/v1/accounts/${alice}/entries`, "/v1/payments"];
const instant = formatInstant(step(1));

describe.each(lists)("%s", (url) => {
  test.each([
    ["limit=0", "/limit"],
    ["limit=-1", "/limit"],
    ["limit=201", "/limit"],
    ["limit=1e9", "/limit"],
    ["limit=1000000000", "/limit"],
    ["limit=01", "/limit"],
    ["limit=1.0", "/limit"],
    ["limit=0x10", "/limit"],
    ["limit=%EF%BC%95", "/limit"],
    ["limit=", "/limit"],
    ["limit", "/limit"],
    ["order=up", "/order"],
    ["order=DESC", "/order"],
    ["unknown=1", "/unknown"],
    ["__proto__=1", "/__proto__"],
    ["constructor=1", "/constructor"],
    ["limit%5B%5D=5", "/limit[]"],
    ["Limit=5", "/Limit"],
  ])("?%s is a fault, and pointed at", async (query, pointer) => {
    const answer = await queries.get(operator, `${url}?${query}`);
    expectProblem(answer, 400, "invalid_query");
    expect(answer.body.errors).toContainEqual({ pointer, detail: expect.any(String) });
  });

  test.each([
    "limit=5&limit=5",
    "order=asc&order=desc",
    "limit=%zz",
    "limit=%00",
    "limit=5%00",
    "limit=%ff",
    "=1",
    "cursor=%0a",
  ])("?%s is a fault", async (query) => {
    expectProblem(await queries.get(operator, `${url}?${query}`), 400, "invalid_query");
  });
});

test.each([
  [`/v1/accounts/${alice}/entries?from=${instant}&from=${instant}`],
  [`/v1/accounts/${alice}/entries?from=2026-11-22`],
  [`/v1/accounts/${alice}/entries?to=2026-13-01T00:00:00Z`],
  [`/v1/accounts/${alice}/entries?from=2026-11-22T08:30:00%2B08:00`],
  [`/v1/accounts/${alice}/entries?type=fee`],
  [`/v1/accounts/${alice}/entries?type=`],
  [`/v1/accounts/${alice}/entries?minAmount=00`],
  [`/v1/accounts/${alice}/entries?minAmount=-1`],
  [`/v1/accounts/${alice}/entries?maxAmount=1.50`],
  [`/v1/accounts/${alice}/entries?maxAmount=9223372036854775808`],
  [`/v1/accounts/${alice}/entries?reference=`],
  [`/v1/accounts/${alice}/entries?reference=${"r".repeat(141)}`],
  [`/v1/accounts/${alice}/entries?reference=a%00b`],
  [`/v1/accounts/${alice}/entries?status=open`],
  ["/v1/accounts?status=gone"],
  ["/v1/accounts?type=savings"],
  ["/v1/accounts?owner="],
  ["/v1/accounts?from=2026-11-22T00:00:00Z"],
  ["/v1/payments?status=settled"],
  ["/v1/payments?account=' OR 1=1--"],
  [`/v1/payments?account=${alice}&account=${bob}`],
  ["/v1/payments?reference=INV-1"],
  [`/v1/accounts/${alice}/recommendations?limit=0`],
  [`/v1/accounts/${alice}/recommendations?order=asc`],
  [`/v1/accounts/${alice}?limit=1`],
  ["/v1/me/session?owner=bob"],
])("%s: an unsupported filter is an error, not an empty list", async (url) => {
  expectProblem(await queries.get(operator, url), 400, "invalid_query");
});

describe("ids", () => {
  const routes: [string, string][] = [
    ["accounts", "account_not_found"],
    ["payments", "payment_not_found"],
    ["transfers", "transfer_not_found"],
    ["refunds", "refund_not_found"],
    ["top-ups", "top_up_not_found"],
    ["payouts", "payout_not_found"],
  ];
  const ids = [
    "1",
    "acct_",
    `${alice}0`,
    alice.toUpperCase(),
    alice.replace("acct", "pay"),
    alice.slice(0, -1),
    `acct_8${"0".repeat(25)}`,
    `acct_${"i".repeat(26)}`,
    "%27%20OR%201%3D1--",
    "g.V().drop()",
    "$%7Bjndi:ldap:x%7D",
    "%F0%9F%92%B8",
    "x".repeat(100),
  ];
  test.each(routes)("/v1/%s/…: what no id can be is absent like any other", async (route, code) => {
    for (const id of ids) expectProblem(await queries.get(operator, `/v1/${route}/${id}`), 404, code);
  });

  test.each(routes)("/v1/%s/…: over 100 characters, and thousands", async (route, code) => {
    for (const length of [101, 10_000])
      expectProblem(await queries.get(operator, `/v1/${route}/${"x".repeat(length)}`), 404, code);
  });

  test.each(["%zz", "%00", "..%2f", "..%2f..%2faccounts", `${alice}%00`, "%2e%2e%2f", "%ff"])("%s", async (id) => {
    for (const [route] of routes)
      expectProblem(await queries.get(operator, `/v1/${route}/${id}`), 400, "malformed_path");
  });
});

describe("cursors", () => {
  const url = `/v1/accounts/${alice}/entries`;
  async function cursorOf(caller: Caller, path: string): Promise<string> {
    const { body } = await queries.get(caller, path);
    if (typeof body.nextCursor !== "string") throw new Error(`${path} has one page`);
    return body.nextCursor;
  }
  const refuse = async (caller: Caller, path: string) =>
    expectProblem(await queries.get(caller, path), 400, "invalid_cursor");

  test("it opens the next page of its own query, whatever the limit", async () => {
    const next = await cursorOf(operator, `${url}?limit=1`);
    expect((await queries.list(operator, `${url}?limit=3&cursor=${next}`)).length).toBe(3);
    expect((await queries.list(operator, `${url}?order=desc&cursor=${next}`)).length).toBe(3);
  });

  test("tampered", async () => {
    const cursor = await cursorOf(operator, `${url}?limit=1`);
    for (let at = 0; at < cursor.length; at++) {
      const char = cursor[at] === "A" ? "B" : "A";
      await refuse(operator, `${url}?cursor=${cursor.slice(0, at)}${char}${cursor.slice(at + 1)}`);
    }
    for (const other of ["x", "", "null", "e30", cursor.slice(1), `${cursor}A`, `${cursor}=`, `${cursor}.`])
      await refuse(operator, `${url}?cursor=${other}`);
  });

  test("of another path, filter, order or caller", async () => {
    const cursor = await cursorOf(operator, `${url}?limit=1`);
    await refuse(operator, `/v1/accounts/${bob}/entries?cursor=${cursor}`);
    await refuse(operator, `/v1/payments?cursor=${cursor}`);
    await refuse(operator, `/v1/accounts?cursor=${cursor}`);
    await refuse(operator, `${url}?type=transfer&cursor=${cursor}`);
    await refuse(operator, `${url}?order=asc&cursor=${cursor}`);
    await refuse({ ...operator, sub: "other" }, `${url}?cursor=${cursor}`);
    await refuse({ ...stranger, sub: operator.sub }, `${url}?cursor=${cursor}`);
    await refuse(consumer("alice"), `${url}?cursor=${cursor}`);
  });

  test("of a ledger with another key", async () => {
    const cursor = await cursorOf(operator, `${url}?limit=1`);
    const other = await serveQueries(models, { cursorKey: new Uint8Array(32).fill(8) });
    expectProblem(await other.get(operator, `${url}?cursor=${cursor}`), 400, "invalid_cursor");
  });
});

test("a served path answers only GET and HEAD", async () => {
  const post = await queries.app.inject({
    method: "DELETE",
    url: "/v1/payments",
    headers: { authorization: "Bearer x" },
  });
  expect([post.statusCode, post.headers.allow]).toEqual([405, "GET, HEAD"]);
});
