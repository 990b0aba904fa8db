import { type Caller, endOfBusinessDate, formatInstant, parseBusinessDate } from "ledger-core";
import { numberOfId } from "ledger-core/sql";
import { examples } from "ledger-core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { entriesFrom, openedAccount, paymentChange } from "../testing/history.ts";
import { openModels, type TestModels } from "../testing/models.ts";
import { serveQueries, type TestQueries } from "../testing/served.ts";
import { foreigner, step, tellStory } from "../testing/story.ts";

/** The details of the API's read side: a test per sentence that no other file covers. */

const { accountId, alice, bob, consumer, merchant, operator } = examples;
const story = tellStory();
let models: TestModels;
let queries: TestQueries;

beforeAll(async () => {
  models = await openModels();
  queries = await serveQueries(models, { clock: () => step(60), shards: 2 });
  await models.project(story.events);
});
afterAll(() => models.close());

const get = (caller: Caller, url: string, headers: Record<string, string> = {}) => queries.get(caller, url, headers);

describe("a filter by something the caller may not see gives an empty list, like one by something missing", () => {
  const unseen: readonly (readonly [Caller, string])[] = [
    [consumer("alice"), "/v1/accounts?owner=bob"],
    [consumer("alice"), "/v1/accounts?owner=nobody"],
    [operator, "/v1/accounts?owner=nobody"],
    [foreigner, "/v1/accounts?owner=alice"],
    [consumer("alice"), `/v1/payments?account=${bob}`],
    [consumer("alice"), `/v1/payments?account=${accountId(99)}`],
    [operator, `/v1/payments?account=${accountId(99)}`],
    [foreigner, `/v1/payments?account=${alice}`],
  ];
  test.each(unseen)("$role $sub %s", async (caller, url) => {
    const { status, body } = await get(caller, url);
    expect([status, body]).toEqual([200, { data: [], nextCursor: null }]);
  });
});

test("an operator's list of accounts holds all of the tenant's, the ledger's own included", async () => {
  const owners = (await queries.list(operator, "/v1/accounts?limit=200")).map(({ owner }) => owner);
  expect(owners.filter((owner) => /^(rail|ledger):/.test(String(owner))).length).toBeGreaterThan(0);
  expect(owners).toEqual(expect.arrayContaining(["alice", "bob", "sam", "bank"]));
});

test("minAmount and maxAmount may be 0", async () => {
  const all = await queries.list(operator, `/v1/accounts/${alice}/entries?limit=50`);
  expect(await queries.list(operator, `/v1/accounts/${alice}/entries?minAmount=0&limit=50`)).toEqual(all);
  expect(await queries.list(operator, `/v1/accounts/${alice}/entries?maxAmount=0&limit=50`)).toEqual([]);
});

describe("balance queries", () => {
  const balance = `/v1/accounts/${bob}/balance`;
  test("without a parameter: now; with two: 400", async () => {
    expect((await get(operator, balance)).body).toMatchObject({ posted: "700", held: "500" });
    const both = await get(operator, `${balance}?effectiveDate=2026-11-22&position=0:1`);
    expect([both.status, both.body.code]).toEqual([400, "invalid_query"]);
  });

  test("a position ahead of the log: 503 with Retry-After once Ledger-Wait has passed", async () => {
    const ahead = await get(operator, `${balance}?position=0:99999`, { "ledger-wait": "0" });
    expect([ahead.status, ahead.body.code, ahead.headers["retry-after"]]).toEqual([503, "position_not_reached", "1"]);
  });

  test("a time ahead of both now and the last event: 400", async () => {
    expect((await get(operator, `${balance}?at=${formatInstant(step(61))}`)).status).toBe(400);
    expect((await get(operator, `${balance}?at=${formatInstant(step(60))}`)).status).toBe(200);
  });

  test("held for an effective date is the amount held at the end of that day", async () => {
    const day = parseBusinessDate("2026-11-22");
    if (!day) throw new Error("a date");
    const end = endOfBusinessDate(day, "Asia/Hong_Kong");
    const own = await openModels();
    try {
      const account = accountId(1);
      const held = (at: number, revision: number, amount: bigint) =>
        ({
          kind: "hold",
          row: { account: numberOfId(account), revision, at, held: amount },
        }) as const;
      await own.apply([
        openedAccount(1, "alice", { timeZone: "Asia/Hong_Kong" }),
        held(end - 2, 1, 5n),
        held(end - 1, 2, 7n),
        held(end, 3, 9n),
      ]);
      const served = await serveQueries(own);
      const asked = async (date: string) =>
        (await served.get(operator, `/v1/accounts/${account}/balance?effectiveDate=${date}`)).body.held;
      expect(await asked("2026-11-21")).toBe("0");
      expect(await asked("2026-11-22")).toBe("7");
      expect(await asked("2026-11-23")).toBe("9");
    } finally {
      await own.close();
    }
  });

  test("a future effective date includes all entries dated until then; a day's sum past 2^63 is exact", async () => {
    const own = await openModels();
    try {
      const account = accountId(1);
      const most = 999_999_999_999_999_999n;
      const dated = (n: number) => ["2001-01-01", "2026-11-22"][n % 2] ?? "";
      await own.apply([
        openedAccount(1, "alice"),
        ...entriesFrom(account, 1, 60, (n) => ({
          amount: n % 2 === 0 ? most : -most,
          date: dated(n),
          balance: 0n,
        })),
        ...entriesFrom(account, 61, 1, () => ({ amount: 42n, date: "2027-11-01", balance: 42n })),
      ]);
      const served = await serveQueries(own);
      const posted = async (date: string) =>
        (await served.get(operator, `/v1/accounts/${account}/balance?effectiveDate=${date}`)).body.posted;
      expect(await posted("2026-11-21")).toBe(`${30n * most}`);
      expect(await posted("2026-11-22")).toBe("0");
      expect(await posted("2027-10-31")).toBe("0");
      expect(await posted("2027-11-01")).toBe("42");
    } finally {
      await own.close();
    }
  });
});

test("a 503 names no file, host or query", async () => {
  const own = await openModels();
  await own.writer.raw("DROP TABLE payments");
  const served = await serveQueries(own);
  const { status, text } = await served.get(operator, "/v1/payments", { "ledger-wait": "0" });
  expect(status).toBe(503);
  expect(text).not.toMatch(/sqlite|payments_|select|\/tmp|127\.0\.0\.1/i);
  await own.close();
});

test("the platform's role reads no tenant's data", async () => {
  for (const url of ["/v1/accounts", "/v1/payments", "/v1/me/session", `/v1/accounts/${alice}`]) {
    const { status, body } = await get({ ...operator, role: "platform" }, url);
    expect([url, status, body.code]).toEqual([url, 403, "forbidden"]);
  }
});

test("a page of an owner's payments in a state scans a bounded number, may be empty, and continues", async () => {
  const own = await openModels();
  try {
    const payments = Array.from({ length: 25 }, (_, n) =>
      paymentChange(n, {
        ...{ payer: accountId(1), payee: accountId(3), capture: "automatic" },
        status: n === 0 ? "captured" : "refunded",
      }),
    ).flatMap(({ changes }) => changes);
    await own.apply([openedAccount(1, "alice"), openedAccount(3, "sam", { type: "merchant" }), ...payments]);
    const served = await serveQueries(own, { limits: { scanMax: 10 } });
    const pages: number[] = [];
    for await (const rows of served.pages(merchant("sam"), "/v1/payments?status=captured")) pages.push(rows.length);
    expect(pages).toEqual([0, 0, 1]);
    const accounts: number[] = [];
    for await (const rows of served.pages(operator, "/v1/accounts?owner=alice&type=bank")) accounts.push(rows.length);
    expect(accounts).toEqual([0]);
  } finally {
    await own.close();
  }
});
