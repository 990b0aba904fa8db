import { type Caller, formatInstant, type LedgerEvent, readId } from "ledger-core";
import { examples } from "ledger-core/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { queryRoutes } from "../runner.ts";
import { openModels, type TestModels } from "../testing/models.ts";
import { goldStub, serveQueries, type TestQueries } from "../testing/served.ts";
import { type Story, step, tellStory } from "../testing/story.ts";

const { alice, bank, consumer, operator } = examples;
const story = tellStory();

/** The story, repeated until every list has a second page. */
function moreOf({ ledger }: Story): readonly LedgerEvent[] {
  for (let n = 42; n < 46; n++) {
    ledger
      .at(step(n))
      .when(examples.transfer([[bank, alice, 10n]]))
      .thenAccepted("TransferPosted");
    ledger.when(examples.pay(5n)).thenAccepted("PaymentCharged");
    const { fact } = ledger.when(examples.pay(5n, { reference: "INV-1" })).thenAccepted("PaymentCharged");
    ledger.when(examples.refund(fact.payment.id, 1n)).thenAccepted("PaymentRefunded");
  }
  return ledger.events;
}

let models: TestModels;
let queries: TestQueries;

beforeAll(async () => {
  models = await openModels();
  queries = await serveQueries(models, { gold: goldStub(`0:${readId(story.payment.id).revision},0:7`) });
  await models.project(moreOf(story));
});
afterAll(() => models.close());

type Statement = { readonly sql: string; readonly bindings: readonly (string | number)[] };

/** The statements that a request runs. */
async function statementsOf(caller: Caller, url: string): Promise<Statement[]> {
  const statements: Statement[] = [];
  const listen = (statement: Statement) => {
    if (/^select/i.test(statement.sql)) statements.push(statement);
  };
  models.reader.on("query", listen);
  const { status } = await queries.get(caller, url);
  models.reader.removeListener("query", listen);
  expect(status, url).toBe(200);
  expect(statements, url).not.toEqual([]);
  return statements;
}

type Step = { readonly id: bigint; readonly parent: bigint; readonly detail: string };

/** SQLite's plan for a statement, as a tree of steps. */
async function planOf({ sql, bindings }: Statement): Promise<Step[]> {
  return await models.reader.raw(`EXPLAIN QUERY PLAN ${sql}`, bindings);
}

const from = `from=${formatInstant(step(1))}`;
const to = `to=${formatInstant(step(50))}`;
const entries = `/v1/accounts/${alice}/entries`;
const balance = `/v1/accounts/${alice}/balance`;

/**
 * Each query with its allowed statements: the checkpoints, the account for the policy, the page, and those named here.
 * Turning one or two times into numbers takes two: their milestones, and the first rows after them.
 */
const walks: readonly [Caller, string, number][] = [
  [operator, `/v1/accounts/${alice}`, 2],
  [operator, "/v1/accounts?limit=2", 2],
  [operator, "/v1/accounts?type=wallet&limit=2", 2],
  [operator, "/v1/accounts?status=open&limit=2", 2],
  [operator, "/v1/accounts?type=wallet&status=open&limit=1", 2],
  [operator, "/v1/accounts?owner=alice&limit=1", 2],
  // For an owner's accounts of a type, a first statement finds how far this page may scan.
  [operator, "/v1/accounts?owner=alice&type=wallet&limit=1", 3],
  [consumer("alice"), "/v1/accounts?limit=1", 2],
  [operator, `${entries}?limit=1`, 3],
  [operator, `${entries}?order=asc&limit=1`, 3],
  [operator, `${entries}?${from}&limit=1`, 5],
  [operator, `${entries}?${to}&limit=1`, 5],
  [operator, `${entries}?${from}&${to}&order=asc&limit=1`, 5],
  [operator, `${entries}?reference=INV-1&limit=1`, 3],
  [operator, `${entries}?reference=INV-1&${from}&${to}&limit=1`, 5],
  // For filters without an index, a first statement finds how far this page may scan.
  [operator, `${entries}?type=transfer&limit=1`, 4],
  [operator, `${entries}?type=refund&${from}&reference=INV-1&limit=1`, 6],
  [operator, `${entries}?minAmount=1&maxAmount=5000&order=asc&limit=1`, 4],
  [operator, balance, 2],
  // For a time, only its milestones are looked up.
  [operator, `${balance}?at=${formatInstant(step(30))}`, 5],
  [operator, `${balance}?position=0:3`, 4],
  [operator, `${balance}?effectiveDate=2026-11-22`, 5],
  [operator, `/v1/payments/${story.payment.fact.payment.id}`, 2],
  [consumer("alice"), `/v1/payments/${story.payment.fact.payment.id}`, 2],
  [operator, "/v1/payments?limit=1", 2],
  [operator, `/v1/payments?${from}&${to}&limit=1`, 4],
  [operator, `/v1/payments?status=partially_refunded&${from}&${to}&limit=1`, 4],
  [operator, "/v1/payments?status=captured&limit=1", 3],
  // An account's payments are among its entries; a first statement finds how far this page may scan.
  [operator, `/v1/payments?account=${alice}&limit=1`, 4],
  [operator, `/v1/payments?account=${alice}&status=partially_refunded&limit=1`, 3],
  [operator, `/v1/payments?account=${alice}&status=captured&${from}&limit=1`, 6],
  // For an owner's payments, a first statement finds which accounts come first.
  [consumer("alice"), "/v1/payments?limit=1", 4],
  [consumer("alice"), `/v1/payments?${from}&${to}&order=asc&limit=1`, 6],
  [consumer("alice"), `/v1/payments?status=captured&${from}&${to}&limit=1`, 6],
  [consumer("alice"), "/v1/me/session", 4],
  [operator, `/v1/transfers/${story.transfer.fact.transfer}`, 2],
  [consumer("alice"), `/v1/transfers/${story.transfer.fact.transfer}`, 3],
  [operator, `/v1/refunds/${story.refunded.fact.refund}`, 2],
  [operator, `/v1/top-ups/${story.topUp.fact.topUp}`, 2],
  [operator, `/v1/payouts/${story.payout.fact.payout}`, 2],
  // The graph has its own statements.
  // Those of a model rest on payments, which are looked up together.
  [operator, `/v1/accounts/${alice}/recommendations`, 4],
  // The tables of analytics jobs are not read with SQL.
  [operator, `/v1/accounts/${alice}/reports/daily-sales`, 2],
  [operator, `/v1/accounts/${alice}/reports/monthly-summary`, 2],
  [operator, `/v1/accounts/${alice}/reports/customers`, 2],
];

test.each(queryRoutes)("$url is among them", ({ url }) => {
  const path = new RegExp(`^${url.replace(":id", "[^/?]+")}(\\?|$)`);
  expect(walks.some(([, asked]) => path.test(asked))).toBe(true);
});

test.each(walks)(
  "$role $1: each statement walks an index; nothing is read whole, no history sorted",
  async (caller, url, max) => {
    const statements = await statementsOf(caller, url);
    expect(statements.length).toBeLessThanOrEqual(max);
    for (const statement of statements) await expectWalk(statement);
  },
);

test.each(walks.filter(([, url]) => url.includes("limit=")))(
  "$role $1: the next page begins where this one ends",
  async (caller, url, max) => {
    const { body } = await queries.get(caller, url);
    expect(body.nextCursor).toEqual(expect.any(String));
    const statements = await statementsOf(caller, `${url}&cursor=${body.nextCursor}`);
    expect(statements.length).toBeLessThanOrEqual(max);
    for (const statement of statements) await expectWalk(statement);
    const [page = { sql: "", bindings: [] }] = statements.slice(-1);
    const plan = (await planOf(page)).map(({ detail }) => detail).join();
    expect(plan).toMatch(/(revision|number)>\? AND (revision|number)<\?/);
  },
);

/** A walk has one bound at each end: with two, SQLite starts at the first and reads row by row up to the other. */
function expectOneBoundAnEnd(sql: string): void {
  let flat = sql;
  for (let inner = ""; inner !== flat; ) {
    inner = flat;
    flat = flat.replace(/\((?!select)[^()]*\)/gi, "");
  }
  for (const select of flat.split(/ from /i))
    for (const column of ["revision", "number", "at"])
      for (const way of ["<", ">"]) {
        const bounds = select.split(new RegExp(`\\.${column} ${way}`)).length - 1;
        expect(bounds, sql).toBeLessThanOrEqual(1);
      }
}

/** A page that was walked before, or the few rows of one of the walks merged into it. */
const walked = /^SCAN (page|part|parts|w|CONSTANT ROW)$/;

async function expectWalk(statement: Statement): Promise<void> {
  expectOneBoundAnEnd(statement.sql);
  const steps = await planOf(statement);
  for (const { detail, parent } of steps) {
    expect(detail).not.toMatch(/AUTOMATIC|MULTI-INDEX/);
    if (detail.startsWith("SEARCH")) expect(detail, statement.sql).toMatch(/USING (COVERING )?(INDEX|PRIMARY KEY)/);
    if (detail.startsWith("SCAN")) expect(detail, statement.sql).toMatch(walked);
    if (!detail.includes("TEMP B-TREE")) continue;
    const first = steps.find((step) => step.parent === parent && /^(SCAN|SEARCH)/.test(step.detail));
    expect(first?.detail, statement.sql).toMatch(walked);
  }
}

test("a statement without its index is found out", async () => {
  const whole = "select * from payments where reference = ? order by at";
  await expect(expectWalk({ sql: whole, bindings: ["INV-1"] })).rejects.toThrow();
  const sorted = "select * from entries where run = ? order by at";
  await expect(expectWalk({ sql: sorted, bindings: [0] })).rejects.toThrow();
});
