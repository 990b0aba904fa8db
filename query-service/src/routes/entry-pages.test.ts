import { examples } from "ledger-core/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { queryLimits } from "../limits.ts";
import { entriesFrom, openedAccount } from "../testing/history.ts";
import { openModels, type TestModels } from "../testing/models.ts";
import { allPages, type Rows, serveQueries, type TestQueries } from "../testing/served.ts";

const { alice, operator, START } = examples;
const url = `/v1/accounts/${alice}/entries`;
let models: TestModels;
let queries: TestQueries;

beforeEach(async () => {
  models = await openModels();
  queries = await serveQueries(models);
  await models.apply([openedAccount(1, "alice"), openedAccount(3, "sam", { type: "merchant" })]);
});
afterEach(() => models.close());

const revisions = (rows: Rows) => rows.map(({ position }) => Number(String(position).slice(2)));
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

describe.each(["", "from=2026-01-01T00:00:00Z&", "reference=r&", "type=transfer&"])("pages of ?%s", (filter) => {
  /** Runs of 40 entries at one instant, and of 4 from one event. */
  const crowded = (first: number, count: number) =>
    entriesFrom(alice, first, count, (n) => ({
      revision: Math.floor(n / 4),
      idx: n % 4,
      at: START + Math.floor(n / 40),
      balance: BigInt(n),
      reference: "r",
    }));
  const walked = async (order: string, between: () => Promise<void>) => {
    const balances: number[] = [];
    for await (const rows of queries.pages(operator, `${url}?${filter}order=${order}&limit=7`)) {
      balances.push(...rows.map(({ balanceAfter }) => Number(balanceAfter)));
      if (rows.length > 0) await between();
    }
    return balances;
  };

  test("neither skip nor repeat an entry of the same instant", async () => {
    await models.apply(crowded(0, 400));
    expect(await walked("desc", async () => {})).toEqual(range(0, 400).reverse());
    expect(await walked("asc", async () => {})).toEqual(range(0, 400));
  });

  test("continue without a gap while entries are booked", async () => {
    let booked = 200;
    await models.apply(crowded(0, booked));
    const book = async () => {
      if (booked < 400) await models.apply(crowded(booked, 5));
      booked += 5;
    };
    expect(await walked("desc", book)).toEqual(range(0, 200).reverse());
    expect(await walked("asc", book)).toEqual(range(0, 400));
  });
});

test("a rare type is found on pages that scan a bounded number of entries", async () => {
  const count = 2 * queryLimits.scanMax + 10;
  // The ends of the history, and the last entry of the first page's scan from either end.
  const rare = [3, queryLimits.scanMax - 1, count - queryLimits.scanMax, count - 1];
  await models.apply(entriesFrom(alice, 0, count, (n) => (rare.includes(n) ? { type: "refund" } : {})));
  for (const order of ["desc", "asc"]) {
    const pages = await allPages(queries, operator, `${url}?type=refund&order=${order}`);
    expect(pages.map((rows) => rows.length)).toEqual([2, 1, 1]);
    expect(pages.flatMap(revisions)).toEqual(order === "desc" ? rare.toReversed() : rare);
  }
  const amounts = await allPages(queries, operator, `${url}?minAmount=2&from=2026-01-01T00:00:00Z`);
  expect(amounts.map((rows) => rows.length)).toEqual([0, 0, 0]);
});

test("a filter that every entry matches fills its pages", async () => {
  await models.apply(entriesFrom(alice, 0, queryLimits.scanMax + 100));
  const pages = await allPages(queries, operator, `${url}?type=transfer&limit=200`);
  expect(pages.map((rows) => rows.length)).toEqual([...Array(queryLimits.scanMax / 200).fill(200), 100]);
  expect(pages.flatMap(revisions)).toEqual(range(0, queryLimits.scanMax + 100).reverse());
});

test("amounts beyond a double's precision come back exactly", async () => {
  const large = { amount: -9007199254740993n, balance: 999999999999999999n };
  await models.apply(entriesFrom(alice, 0, 1, () => large));
  const expected = { amount: "-9007199254740993", balanceAfter: "999999999999999999" };
  expect(await queries.list(operator, url)).toMatchObject([expected]);
  expect(await queries.list(operator, `${url}?minAmount=9007199254740993&maxAmount=9007199254740993`)).toHaveLength(1);
  expect(await queries.list(operator, `${url}?minAmount=9007199254740994`)).toEqual([]);
  expect(await queries.list(operator, `${url}?maxAmount=9007199254740992`)).toEqual([]);
});
