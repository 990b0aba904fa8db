import fc from "fast-check";
import { type Caller, formatInstant, type PaymentStatus } from "ledger-core";
import { entryTypeCodes } from "ledger-core/sql";
import { examples } from "ledger-core/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { entriesFrom, openedAccount, paymentChange } from "../testing/history.ts";
import { openModels, type TestModels } from "../testing/models.ts";
import { allPages, serveQueries, type TestQueries } from "../testing/served.ts";

// Compares lists with the plainest model of them: a crowded history in memory, filtered and sorted.

const { accountId, alice, bob, consumer, merchant, operator, shop, START } = examples;
const ENTRIES = 300;
const PAYMENTS = 120;
const types = ["payment", "refund", "transfer"] as const;
const statuses: readonly PaymentStatus[] = ["captured", "authorized", "voided"];
const savings = accountId(5);

/** Entries share few instants, amounts and references; three per event, seven per instant. */
const till = accountId(6);
const entries = entriesFrom(till, 0, ENTRIES, (n) => ({
  revision: Math.floor(n / 3),
  idx: n % 3,
  at: START + Math.floor(n / 21) * 1000,
  balance: BigInt(n),
  amount: BigInt(((n * 7) % 11) - 5) || 9007199254740993n,
  type: types[(n * 5) % 3] ?? "payment",
  reference: n % 4 === 0 ? null : `r${n % 5}`,
}));
const payments = Array.from({ length: PAYMENTS }, (_, n) => {
  const sides = [
    { payer: alice, payee: shop },
    { payer: bob, payee: shop },
    { payer: alice, payee: savings },
  ];
  return paymentChange(n, {
    ...(sides[n % 3] ?? { payer: alice, payee: shop }),
    status: statuses[((n * 3) % 7) % 3] ?? "captured",
    ...(n % 4 === 0 && { capture: "manual" }),
    createdAt: START + n * 1000 + (n % 10) * 100,
  });
});

let models: TestModels;
let queries: TestQueries;
beforeAll(async () => {
  models = await openModels();
  queries = await serveQueries(models);
  const accounts = [
    openedAccount(1, "alice"),
    openedAccount(2, "bob"),
    openedAccount(3, "sam", { type: "merchant" }),
    openedAccount(5, "alice"),
    openedAccount(6, "till"),
  ];
  await models.apply([...accounts, ...entries, ...payments.flatMap(({ changes }) => changes)]);
});
afterAll(() => models.close());

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const list = { order: fc.constantFrom("asc", "desc"), limit: fc.integer({ min: 1, max: 90 }) };

function queryString(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join("&");
}

async function walked(
  caller: Caller,
  url: string,
  limit: number,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const pages = await allPages(queries, caller, url);
  for (const rows of pages.slice(0, -1)) expect(rows).toHaveLength(limit);
  return pages.flat();
}

test("entries", async () => {
  // Sometimes exactly the instant of an entry: `from` is inclusive, `to` is exclusive.
  const instant = fc.integer({ min: -1, max: 32 }).map((half) => START + half * 500);
  const amount = fc.constantFrom(1n, 2n, 3n, 5n, 6n, 9007199254740993n, 9007199254740994n);
  const filters = {
    from: maybe(instant),
    to: maybe(instant),
    type: maybe(fc.constantFrom("payment", "refund", "payout")),
    minAmount: maybe(amount),
    maxAmount: maybe(amount),
    reference: maybe(fc.constantFrom("r0", "r1", "none")),
  };
  await fc.assert(
    fc.asyncProperty(fc.record({ ...filters, ...list }), async ({ order, limit, from, to, ...rest }) => {
      const { type, minAmount, maxAmount, reference } = rest;
      const expected = entries
        .map(({ row }) => row)
        .filter(({ at }) => from === undefined || at >= from)
        .filter(({ at }) => to === undefined || at < to)
        .filter((row) => type === undefined || entryTypeCodes.words[row.type] === type)
        .filter((row) => reference === undefined || row.reference === reference)
        .map((row) => ({ row, size: row.amount < 0n ? -row.amount : row.amount }))
        .filter(({ size }) => minAmount === undefined || size >= minAmount)
        .filter(({ size }) => maxAmount === undefined || size <= maxAmount)
        .map(({ row }) => row.balance.toString());
      const times = { from: from && formatInstant(from), to: to && formatInstant(to) };
      const amounts = { minAmount: minAmount?.toString(), maxAmount: maxAmount?.toString() };
      const query = queryString({ order, limit, type, reference, ...times, ...amounts });
      const rows = await walked(operator, `/v1/accounts/${till}/entries?${query}`, limit);
      expect(rows.map(({ balanceAfter }) => balanceAfter)).toEqual(order === "asc" ? expected : expected.toReversed());
    }),
    { numRuns: 150 },
  );
});

test("payments", async () => {
  const instant = fc.integer({ min: -1, max: PAYMENTS * 10 }).map((tenth) => START + tenth * 100);
  const callers = fc.constantFrom(operator, consumer("alice"), consumer("bob"), merchant("sam"), consumer("nobody"));
  const owns: Readonly<Record<string, readonly string[]>> = { alice: [alice, savings], bob: [bob], sam: [shop] };
  const filters = {
    caller: callers,
    account: maybe(fc.constantFrom(alice, bob, shop, savings)),
    status: maybe(fc.constantFrom(...statuses)),
    from: maybe(instant),
    to: maybe(instant),
  };
  await fc.assert(
    fc.asyncProperty(
      fc.record({ ...filters, ...list }),
      async ({ order, limit, from, to, caller, account, status }) => {
        const visible = caller.role === "operator" ? undefined : (owns[caller.sub] ?? []);
        const expected = payments
          .filter(({ payer, payee }) => !visible || visible.includes(payer) || visible.includes(payee))
          .filter(() => account === undefined || !visible || visible.includes(account))
          .filter(({ payer, payee }) => account === undefined || payer === account || payee === account)
          .filter((row) => status === undefined || row.status === status)
          .filter(({ createdAt }) => from === undefined || createdAt >= from)
          .filter(({ createdAt }) => to === undefined || createdAt < to)
          .map(({ id }) => id);
        const times = { from: from && formatInstant(from), to: to && formatInstant(to) };
        const query = queryString({ order, limit, account, status, ...times });
        const rows = await walked(caller, `/v1/payments?${query}`, limit);
        expect(rows.map(({ id }) => id)).toEqual(order === "asc" ? expected : expected.toReversed());
      },
    ),
    { numRuns: 150 },
  );
});
