import { type Caller, formatInstant, type LedgerEvent } from "ledger-core";
import { examples } from "ledger-core/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openModels, type TestModels } from "../testing/models.ts";
import { serveQueries, type TestQueries } from "../testing/served.ts";
import { type Story, step, tellStory } from "../testing/story.ts";

const { alice, bank, consumer, operator } = examples;
const story = tellStory();

/** The story, and so much more of the same that every list has a second page. */
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
  queries = await serveQueries(models);
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
  return statements;
}

/** How SQLite walks for a statement: one line a step. */
async function planOf({ sql, bindings }: Statement): Promise<string[]> {
  const rows: { detail: string }[] = await models.reader.raw(`EXPLAIN QUERY PLAN ${sql}`, bindings);
  return rows.map(({ detail }) => detail);
}

const from = `from=${formatInstant(step(1))}`;
const to = `to=${formatInstant(step(50))}`;
const entries = `/v1/accounts/${alice}/entries`;
const balance = `/v1/accounts/${alice}/balance`;

/**
 * Each with the statements it may run: the checkpoints, the account for the policy, the page, and what else is named.
 */
const walks: readonly [Caller, string, number][] = [
  [operator, `/v1/accounts/${alice}`, 2],
  [operator, "/v1/accounts?limit=2", 2],
  [operator, "/v1/accounts?type=wallet&limit=2", 2],
  [operator, "/v1/accounts?status=open&limit=2", 2],
  [operator, "/v1/accounts?type=wallet&status=open&limit=1", 2],
  [operator, "/v1/accounts?owner=alice&limit=1", 2],
  [operator, "/v1/accounts?owner=alice&type=wallet&limit=1", 3],
  [consumer("alice"), "/v1/accounts?limit=1", 2],
  [operator, `${entries}?limit=1`, 3],
  [operator, `${entries}?order=asc&limit=1`, 3],
  [operator, `${entries}?${from}&limit=1`, 3],
  [operator, `${entries}?${to}&limit=1`, 3],
  [operator, `${entries}?${from}&${to}&order=asc&limit=1`, 3],
  [operator, `${entries}?reference=INV-1&limit=1`, 3],
  [operator, `${entries}?reference=INV-1&${from}&${to}&limit=1`, 3],
  // Those that look for what no index finds first ask how far this page may look.
  [operator, `${entries}?type=transfer&limit=1`, 4],
  [operator, `${entries}?type=refund&${from}&reference=INV-1&limit=1`, 4],
  [operator, `${entries}?minAmount=1&maxAmount=5000&order=asc&limit=1`, 4],
  [operator, balance, 2],
  [operator, `${balance}?at=${formatInstant(step(30))}`, 4],
  // A position becomes a time first.
  [operator, `${balance}?position=0:3`, 5],
  [operator, `${balance}?effectiveDate=2026-11-22`, 4],
  [operator, `/v1/payments/${story.payment.fact.payment.id}`, 2],
  [consumer("alice"), `/v1/payments/${story.payment.fact.payment.id}`, 3],
  [operator, "/v1/payments?limit=1", 2],
  [operator, `/v1/payments?${from}&${to}&limit=1`, 2],
  [operator, `/v1/payments?status=partially_refunded&${from}&${to}&limit=1`, 2],
  [operator, `/v1/payments?account=${alice}&limit=1`, 3],
  [operator, `/v1/payments?account=${alice}&status=captured&${from}&limit=1`, 3],
  [consumer("alice"), "/v1/payments?limit=1", 2],
  [consumer("alice"), `/v1/payments?${from}&${to}&order=asc&limit=1`, 2],
  // As an owner's payments of a status, and its accounts of a type, first ask how far this page may look.
  [consumer("alice"), `/v1/payments?status=captured&${from}&${to}&limit=1`, 3],
  [operator, `/v1/transfers/${story.transfer.fact.transfer}`, 2],
  [consumer("alice"), `/v1/transfers/${story.transfer.fact.transfer}`, 3],
];

test.each(walks)(
  "$0.role $1: each statement walks an index; nothing is read whole, no history sorted",
  async (caller, url, max) => {
    const statements = await statementsOf(caller, url);
    expect(statements.length).toBeLessThanOrEqual(max);
    for (const statement of statements) await expectWalk(statement);
  },
);

test.each(walks.filter(([, url]) => url.includes("limit=")))(
  "$0.role $1: the next page begins where this one ends",
  async (caller, url, max) => {
    const { body } = await queries.get(caller, url);
    expect(body.nextCursor).toEqual(expect.any(String));
    const statements = await statementsOf(caller, `${url}&cursor=${body.nextCursor}`);
    expect(statements.length).toBeLessThanOrEqual(max);
    for (const statement of statements) await expectWalk(statement);
    const [page = { sql: "", bindings: [] }] = statements.slice(-1);
    expect((await planOf(page)).join()).toMatch(/(revision|booked_at|id)[<>]\?/);
  },
);

/** A walk has one bound at each end: of two, SQLite begins at the first and reads row by row as far as the other. */
function expectOneBoundAnEnd(sql: string): void {
  let flat = sql;
  for (let inner = ""; inner !== flat; ) {
    inner = flat;
    flat = flat.replace(/\((?!select)[^()]*\)/g, "");
  }
  for (const select of flat.split(" from "))
    for (const column of ["revision", "booked_at", "id"])
      for (const way of ["<", ">"]) {
        const bounds = select.split(`\`${column}\` ${way}`).length - 1;
        expect(bounds, sql).toBeLessThanOrEqual(1);
      }
}

async function expectWalk(statement: Statement): Promise<void> {
  expectOneBoundAnEnd(statement.sql);
  const merges = statement.sql.includes(" union ");
  for (const line of await planOf(statement)) {
    expect(line).not.toMatch(/AUTOMATIC|MULTI-INDEX/);
    if (line.startsWith("SEARCH")) expect(line, statement.sql).toMatch(/USING (COVERING )?(INDEX|PRIMARY KEY)/);
    // What a merge of several walks sorts and scans are the walks' few rows: as many as a page for each.
    else if (!merges) expect(line, statement.sql).not.toMatch(/SCAN|TEMP B-TREE/);
    else
      expect(line, statement.sql).toMatch(
        /^(SCAN (w|page)|USE TEMP B-TREE FOR ORDER BY|MERGE \(UNION\)|LEFT|RIGHT|CO-ROUTINE \w+)$/,
      );
  }
}

test("a statement without its index is found out", async () => {
  const sql = "select * from payments where reference = ? order by created_at";
  await expect(expectWalk({ sql, bindings: ["INV-1"] })).rejects.toThrow();
});
