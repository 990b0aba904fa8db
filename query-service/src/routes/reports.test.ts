import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openGoldTables } from "analytics-export/gold";
import { names, testKey, type WrittenRow, writeGold } from "analytics-export/testing";
import { type GoldTables, LedgerError } from "ledger-core";
import { examples } from "ledger-core/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openModels, type TestModels } from "../testing/models.ts";
import { serveQueries, type TestQueries } from "../testing/served.ts";
import { tellStory } from "../testing/story.ts";

const { accountId, alice, consumer, operator, shop, TENANT } = examples;
const merchant = { tenant: TENANT, role: "merchant", sub: "sam" } as const;
const url = `/v1/accounts/${shop}/reports`;
const reports = ["daily-sales", "monthly-summary", "customers"] as const;
const whose = { tenant: names.of("tenant", TENANT), merchant: names.of("account", shop), currency: "HKD" };

const day = (date: string, fields: WrittenRow = {}): WrittenRow => ({
  ...{ ...whose, date, payments: 2n, gross: 1500n, refunds: 1n, refunded: 1700n, net: -200n, customers: 2n },
  ...fields,
});
const month = (first: string): WrittenRow => {
  const { date, ...sales } = day(first);
  return { ...sales, month: first, new_customers: 1n, average: 750n };
};
const position = (table: string, fields: WrittenRow = {}): WrittenRow => ({
  ...{ table_name: table, shard: 0n, position: 40n, complete_to: "2026-11-25" },
  ...fields,
});

let models: TestModels;
let folder: string;
let gold: GoldTables;
let queries: TestQueries;
beforeAll(async () => {
  models = await openModels();
  await models.project(tellStory().events);
  const current: GoldTables = {
    rows: (query) => gold.rows(query),
    pseudonymOf: (account) => gold.pseudonymOf(account),
    close: async () => undefined,
  };
  queries = await serveQueries(models, { gold: current });
});
afterAll(() => models.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "payledger-reports-"));
  gold = openGoldTables({ folder, ...testKey });
});
afterEach(() => rm(folder, { recursive: true }));

async function writeDays(days: readonly WrittenRow[], positions = [position("merchant_daily_sales")]): Promise<void> {
  await writeGold(folder, "merchant_daily_sales", days);
  await writeGold(folder, "report_positions", positions);
}

describe("daily-sales", () => {
  test("a row per day, newest first, each final only if the export is complete for it", async () => {
    await writeDays(["2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26"].map((date) => day(date)));
    const { status, body, headers } = await queries.get(merchant, `${url}/daily-sales?from=2026-11-24`);
    expect(status).toBe(200);
    expect(headers["ledger-position"]).toBe("0:40");
    const sales = { currency: "HKD", payments: 2, gross: "1500", refunds: 1, refunded: "1700", net: "-200" };
    expect(body).toEqual({
      data: [
        { date: "2026-11-26", ...sales, customers: 2, final: false },
        { date: "2026-11-25", ...sales, customers: 2, final: true },
        { date: "2026-11-24", ...sales, customers: 2, final: true },
      ],
      ...{ nextCursor: null, position: "0:40", completeTo: "2026-11-25" },
    });
  });

  test.each<[string, readonly WrittenRow[], string | null]>([
    ["the earliest of all shards", [{ shard: 1n, complete_to: "2026-11-20" }], "2026-11-20"],
    ["nothing while a shard is complete for no day", [{ shard: 1n, complete_to: null }], null],
    ["nothing while a shard is not in the report", [], null],
  ])("with two shards the report is complete to %s", async (_, others, completeTo) => {
    const sharded = await serveQueries(models, { gold, shards: 2 });
    const table = "merchant_daily_sales";
    await writeDays([day("2026-11-20")], [position(table), ...others.map((other) => position(table, other))]);
    const { body } = await sharded.get(operator, `${url}/daily-sales`);
    expect(body).toMatchObject({ completeTo, data: [{ final: completeTo !== null }] });
  });

  test("pages follow each other in both orders, and a cursor is bound to its query", async () => {
    const dates = Array.from({ length: 5 }, (_, n) => `2026-11-2${n}`);
    await writeDays(dates.map((date) => day(date)));
    for (const order of ["asc", "desc"]) {
      const seen: unknown[] = [];
      const pages = queries.pages(operator, `${url}/daily-sales?limit=2&order=${order}`);
      for await (const rows of pages) seen.push(...rows.map(({ date }) => date));
      expect(seen).toEqual(order === "asc" ? dates : dates.toReversed());
    }
    const { body } = await queries.get(operator, `${url}/daily-sales?limit=2`);
    for (const other of [`${url}/daily-sales?limit=2&from=2026-11-01`, `${url}/monthly-summary?limit=2`])
      expect((await queries.get(operator, `${other}&cursor=${body.nextCursor}`)).body.code).toBe("invalid_cursor");
    // A report that was replaced by an older one would repeat or miss rows.
    await writeDays([], [position("merchant_daily_sales", { position: 39n })]);
    const older = await queries.get(operator, `${url}/daily-sales?limit=2&cursor=${body.nextCursor}`);
    expect([older.status, older.body.code]).toEqual([503, "position_not_reached"]);
  });

  test("CSV for who prefers it, with the cursor in a header", async () => {
    await writeDays([day("2026-11-25"), day("2026-11-26", { currency: "=1+1" })]);
    const csv = { accept: "text/csv" };
    const { status, text, headers } = await queries.get(merchant, `${url}/daily-sales?limit=1`, csv);
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      "content-type": expect.stringMatching(/^text\/csv; charset=utf-8/),
      vary: "Accept",
    });
    expect(headers).toMatchObject({ "ledger-position": "0:40", "ledger-complete-to": "2026-11-25" });
    const [names, row, ...rest] = text.split("\r\n");
    expect(names).toBe("date,currency,payments,gross,refunds,refunded,net,customers,final");
    expect(row).toBe("2026-11-26,'=1+1,2,1500,1,1700,-200,2,false");
    expect(rest).toEqual([""]);
    const next = `${url}/daily-sales?limit=1&cursor=${headers["ledger-next-cursor"]}`;
    const last = await queries.get(merchant, next, csv);
    expect(last.text.split("\r\n")[1]).toMatch(/^2026-11-25,HKD,.*,true$/);
    expect(last.headers["ledger-next-cursor"]).toBeUndefined();
  });

  test("a position ahead of the report is refused with what to do, one behind it is served", async () => {
    await models.moveTo(60);
    await writeDays([day("2026-11-25")]);
    const ahead = await queries.get(operator, `${url}/daily-sales`, { "ledger-position": "0:41", "ledger-wait": "1" });
    expect([ahead.status, ahead.body.code, ahead.headers["retry-after"]]).toEqual([503, "position_not_reached", "60"]);
    expect(ahead.body.detail).toContain("without Ledger-Position");
    const { status } = await queries.get(operator, `${url}/daily-sales`, { "ledger-position": "0:40" });
    expect(status).toBe(200);
  });
});

test("months are final with their last day", async () => {
  await writeGold(folder, "merchant_monthly_summary", ["2026-10-01", "2026-11-01", "2024-02-01"].map(month));
  await writeGold(folder, "report_positions", [
    position("merchant_monthly_summary", { complete_to: "2026-11-29" }),
    position("merchant_customers", { complete_to: "2024-02-28" }),
  ]);
  const summary = await queries.get(merchant, `${url}/monthly-summary?from=2026-10-01&to=2026-11-02&order=asc`);
  expect(summary.body.data).toEqual([
    {
      ...{ month: "2026-10-01", currency: "HKD", payments: 2, gross: "1500", refunds: 1, refunded: "1700" },
      ...{ net: "-200", customers: 2, newCustomers: 1, average: "750", final: true },
    },
    expect.objectContaining({ month: "2026-11-01", final: false }),
  ]);
  const counts = { customers: 3n, new_customers: 1n, returning_customers: 2n, repeat_payments: 4n };
  await writeGold(folder, "merchant_customers", [{ ...whose, month: "2024-02-01", ...counts }]);
  const { body } = await queries.get(merchant, `${url}/customers`);
  expect(body.data).toEqual([
    {
      ...{ month: "2024-02-01", currency: "HKD", customers: 3, newCustomers: 1 },
      ...{ returningCustomers: 2, repeatPayments: 4, final: false },
    },
  ]);
});

describe.each(reports)("%s", (report) => {
  test("without its tables: 503 that says what to run, for those who may see the account", async () => {
    const none = await serveQueries(models);
    for (const served of [queries, none]) {
      const { status, body, headers } = await served.get(merchant, `${url}/${report}`);
      expect([status, body.code, headers["retry-after"]]).toEqual([503, "store_unavailable", "60"]);
      expect(body.detail).toMatch(/run the analytics job/);
      expect(body.detail).not.toContain(folder);
    }
  });

  test("is seen by its merchant and those who see the whole tenant; others find no account", async () => {
    const path = (id: string) => `/v1/accounts/${id}/reports/${report}`;
    for (const [caller, id] of [
      [consumer("alice"), shop],
      [merchant, alice],
      [{ ...operator, tenant: "other" }, shop],
      [operator, accountId(99)],
      [operator, "acct_1"],
    ] as const) {
      const { status, body } = await queries.get(caller, path(id));
      expect([status, body.code]).toEqual([404, "account_not_found"]);
    }
  });

  test.each([
    "from=2026-02-30",
    "to=yesterday",
    "from=",
    "from=2026-11-01&from=2026-11-02",
    "limit=0",
    "at=1",
    "to=%00",
  ])("?%s is a fault", async (query) => {
    const { status, body } = await queries.get(operator, `${url}/${report}?${query}`);
    expect([status, body.code]).toEqual([400, "invalid_query"]);
  });
});

test.each(["from=2026-11-26&to=2026-11-25", "from=9999-12-31", "to=0000-01-01", "from=2026-11-25&to=2026-11-25"])(
  "?%s has no row",
  async (range) => {
    await writeDays([day("2026-11-25")]);
    const { status, body } = await queries.get(operator, `${url}/daily-sales?${range}`);
    expect([status, body.data, body.nextCursor]).toEqual([200, [], null]);
  },
);

test.each(["yearly", "daily-sales/", "Daily-Sales", "__proto__", "..%2fcustomers"])("no report %s", async (name) => {
  expect((await queries.get(operator, `${url}/${name}`)).status).toBeOneOf([400, 404]);
});

test.each(["store_damaged", "row_unreadable", "incompatible", "store_unavailable"] as const)(
  "tables that are %s are not available, and nothing of why is told",
  async (code) => {
    gold = {
      rows: async () => {
        throw new LedgerError(code, "gold/x is at /secret/place");
      },
      pseudonymOf: async () => "",
      close: async () => undefined,
    };
    const { status, body, text } = await queries.get(operator, `${url}/customers`);
    expect([status, body.code]).toEqual([503, "store_unavailable"]);
    expect(text).not.toContain("secret");
  },
);
