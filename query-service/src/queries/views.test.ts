import type { Knex } from "knex";
import { connectMysql, layoutSuffix, selectRows, viewTexts } from "ledger-core/sql";
import { examples, findMariadb, randomHistory, startMariadb } from "ledger-core/testing";
import { migrateModels } from "projection-workers";
import { describe, expect, onTestFinished, test } from "vitest";
import { modelsOn, openModels, type TestModels } from "../testing/models.ts";
import { allPages, type Rows, serveQueries, type TestQueries } from "../testing/served.ts";

// Compares the views for people and tools with the answers of the API, row for row.

const { operator } = examples;
const events = randomHistory(12, 600);

type Body = Readonly<Record<string, unknown>>;

/** A view's rows, each value as the API writes it. */
async function viewRows(db: Knex, sql: string): Promise<Body[]> {
  const rows = await selectRows<Body>(db, sql);
  return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, written(value)])));
}

function written(value: unknown): unknown {
  if (typeof value === "bigint" || typeof value === "number") return `${value}`;
  const time = typeof value === "string" ? /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{6})$/.exec(value) : null;
  return time ? `${time[1]}T${time[2]}Z` : value;
}

async function listed(queries: TestQueries, url: string): Promise<Rows> {
  return (await allPages(queries, operator, url)).flat();
}

function byId(rows: readonly Body[]): readonly Body[] {
  return rows.toSorted((a, b) => (String(a.id) < String(b.id) ? -1 : 1));
}

function fields(body: unknown, ...names: readonly string[]): Body {
  return Object.fromEntries(names.map((name) => [name, Reflect.get(Object(body), name)]));
}

/** Compares every view with the lists of the API. */
async function compareViews(models: TestModels): Promise<void> {
  await models.project(events);
  for (const text of viewTexts(models.writer, layoutSuffix(models.writer))) await models.writer.raw(text);
  const db = models.reader;
  const queries = await serveQueries(models);
  const accounts = await listed(queries, "/v1/accounts?limit=200");
  expect(
    byId(
      await viewRows(
        db,
        `SELECT id, type, currency, owner, display_name AS displayName, time_zone AS timeZone, status,
          opened_at AS openedAt, floor, per_transaction AS perTransaction, per_day AS perDay FROM v_accounts`,
      ),
    ),
  ).toEqual(
    byId(
      accounts.map(({ limits, balances: _, ...account }) => ({
        ...account,
        ...fields(limits, ...Object.keys(Object(limits))),
      })),
    ),
  );
  expect(byId(await viewRows(db, "SELECT account AS id, currency, posted, held, available FROM v_balances"))).toEqual(
    byId(
      accounts.map(({ id, currency, balances }) => ({
        id,
        currency,
        ...fields(balances, "posted", "held", "available"),
      })),
    ),
  );
  expect(
    byId(
      await viewRows(
        db,
        `SELECT id, payer, payee, amount, currency, status, captured, refunded, fee, capture, reference, metadata,
          created_at AS createdAt, expires_at AS expiresAt FROM v_payments`,
      ),
    ).map(({ metadata, ...payment }) => ({
      ...payment,
      metadata: metadata === null ? {} : JSON.parse(String(metadata)),
    })),
  ).toEqual(byId(await listed(queries, "/v1/payments?limit=200")));

  const entries: Body[] = [];
  for (const { id } of accounts) entries.push(...(await listed(queries, `/v1/accounts/${id}/entries?limit=200`)));
  const shown = await viewRows(
    db,
    `SELECT id, account, amount, balance_after AS balanceAfter, currency, type, booked_at AS bookedAt,
      effective_date AS effectiveDate, counterparty, reference, source FROM v_entries`,
  );
  const expected = entries.map(({ position: _, source, ...entry }) => ({
    ...entry,
    source: Reflect.get(Object(source), "id"),
  }));
  expect(byId(shown)).toEqual(byId(expected));
  for (const { id, kind, body } of await viewRows(db, "SELECT id, kind, body FROM v_movements")) {
    const answer = await queries.get(operator, `/v1/${kind}s/${id}`);
    expect([id, answer.text]).toEqual([id, body]);
  }
}

test("the views agree with the API", async () => {
  const models = await openModels();
  onTestFinished(() => models.close());
  await compareViews(models);
});

const source = await findMariadb();
describe.skipIf(source.kind === "none")(source.kind === "none" ? source.reason : "MariaDB", () => {
  test("the views agree with the API", async () => {
    const mariadb = await startMariadb(source);
    onTestFinished(() => mariadb.stop());
    const connection = await mariadb.createDatabase();
    const writer = connectMysql(connection);
    await migrateModels(writer);
    const models = modelsOn(writer, connectMysql(connection), async () => undefined, 200);
    onTestFinished(() => models.close());
    await compareViews(models);
  });
});
