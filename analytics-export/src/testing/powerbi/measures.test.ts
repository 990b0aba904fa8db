import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { seeded } from "ledger-core/testing";
import { beforeAll, expect, test } from "vitest";
import { measureSql } from "./measure-sql.ts";
import { parseTmdl } from "./tmdl.ts";

// Each measure, over gold rows made from single payments, beside SQL over the payments themselves.

const tables = resolve(import.meta.dirname, "../../../powerbi/payledger.SemanticModel/definition/tables");
const measures = new Map(
  readdirSync(tables)
    .flatMap((file) => parseTmdl(file, readFileSync(join(tables, file), "utf8")).objects)
    .flatMap((table) => table.children.filter(({ kind }) => kind === "measure"))
    .map(({ name, expression }) => [name, expression]),
);

const db = new DatabaseSync(":memory:");

/** Payments over three months. The time to capture is the same within a merchant's day, so that its median is too. */
beforeAll(() => {
  const random = seeded(15);
  db.exec(`CREATE TABLE raw (merchant, date, month, currency, payer, declined, manual, captured, refunded, seconds)`);
  const insert = db.prepare("INSERT INTO raw VALUES (?, ?, ?, 'HKD', ?, ?, ?, ?, ?, ?)");
  for (let n = 0; n < 600; n++) {
    const [merchant, month, day] = [random(3), 1 + random(3), 10 + random(9)];
    const [declined, manual, kept] = [Number(random(8) === 0), Number(random(3) === 0), random(5) > 0];
    const captured = declined || (manual && !kept) ? 0 : 100 + random(900);
    const refunded = captured > 0 && random(4) === 0 ? 1 + random(captured) : 0;
    const start = `2026-0${month}-01`;
    insert.run(
      `m${merchant}`,
      `2026-0${month}-${day}`,
      start,
      `p${random(25)}`,
      declined,
      manual,
      captured,
      refunded,
      3600 * (1 + ((merchant + day) % 5)),
    );
  }
  db.exec(`
    CREATE TABLE Sales AS SELECT merchant, date, currency, sum(captured > 0) AS payments, sum(captured) AS gross,
      sum(refunded > 0) AS refunds, sum(refunded) AS refunded, sum(captured - refunded) AS net
      FROM raw GROUP BY 1, 2, 3;
    CREATE TABLE Volume AS SELECT date, currency, 'payment' AS kind, sum(captured > 0) AS movements,
      sum(captured) AS amount FROM raw GROUP BY 1, 2
      UNION ALL SELECT date, currency, 'refund', sum(refunded > 0), sum(refunded) FROM raw GROUP BY 1, 2;
    CREATE TABLE Rates AS SELECT merchant, date, currency, count(*) AS attempts, sum(declined) AS declined,
      sum(1 - declined) AS accepted, sum(refunded > 0) AS refunded_payments FROM raw GROUP BY 1, 2, 3;
    CREATE TABLE Settlement AS SELECT merchant, date, currency, count(*) AS authorized, sum(captured > 0) AS captured,
      sum(captured = 0) AS lapsed, max(seconds) AS p50_seconds FROM raw WHERE manual AND NOT declined GROUP BY 1, 2, 3;
    CREATE TABLE visits AS SELECT DISTINCT merchant, month, payer FROM raw WHERE captured > 0;
    CREATE TABLE Customers AS SELECT merchant, month, count(*) AS customers, sum(EXISTS (SELECT 1 FROM visits e
      WHERE e.merchant = v.merchant AND e.payer = v.payer AND e.month < v.month)) AS returning_customers
      FROM visits v GROUP BY 1, 2;
    CREATE TABLE joined AS SELECT payer, min(month) AS cohort FROM visits GROUP BY 1;
    CREATE TABLE Retention AS SELECT cohort, m.month, count(*) AS customers, sum(EXISTS (SELECT 1 FROM visits v
      WHERE v.payer = j.payer AND v.month = m.month)) AS active
      FROM joined j JOIN (SELECT DISTINCT month FROM visits) m ON m.month >= j.cohort GROUP BY 1, 2;
    CREATE TABLE Positions AS SELECT '2026-03-20' AS complete_to UNION SELECT '2026-03-18';
  `);
});

const accepted = "raw WHERE NOT declined";
const expected: Readonly<Record<string, string>> = {
  "Total gross": "SELECT sum(captured) FROM raw",
  "Total refunded": "SELECT sum(refunded) FROM raw",
  "Total net": "SELECT sum(captured) - sum(refunded) FROM raw",
  "Total payments": "SELECT count(*) FROM raw WHERE captured > 0",
  "Average payment": "SELECT avg(captured) FROM raw WHERE captured > 0",
  "Refunded share": "SELECT sum(refunded) * 1.0 / sum(captured) FROM raw",
  "Amount moved": "SELECT sum(captured + refunded) FROM raw",
  "Total movements": "SELECT sum((captured > 0) + (refunded > 0)) FROM raw",
  "Decline rate": "SELECT avg(declined) FROM raw",
  "Refund rate": `SELECT avg(refunded > 0) FROM ${accepted}`,
  "Captured share": `SELECT avg(captured > 0) FROM ${accepted} AND manual`,
  "Lapsed share": `SELECT avg(captured = 0) FROM ${accepted} AND manual`,
  "Hours to capture": `SELECT avg(seconds) / 3600 FROM ${accepted} AND manual AND captured > 0`,
  "Customers in month": "SELECT count(*) FROM visits",
  "Returning share":
    "SELECT avg(month > (SELECT min(month) FROM visits e WHERE e.merchant = v.merchant AND e.payer = v.payer)) " +
    "FROM visits v",
  "Retention rate":
    "SELECT (SELECT count(*) * 1.0 FROM (SELECT DISTINCT payer, month FROM visits)) / " +
    "(SELECT count(*) FROM joined, (SELECT DISTINCT month FROM visits) m WHERE m.month >= cohort)",
  "Complete to": "SELECT '2026-03-18'",
};

test("every measure has its SQL", () => {
  expect([...measures.keys()].sort()).toEqual(Object.keys(expected).sort());
});

function valueIn(sql: string): unknown {
  return Object.values(db.prepare(sql).get() ?? {})[0];
}

test.each(Object.entries(expected))("%s is what the payments say", (name, sql) => {
  const [measured, told] = [valueIn(`SELECT ${measureSql(name, measures)}`), valueIn(sql)];
  if (typeof told === "number") expect(measured).toBeCloseTo(told, 9);
  else expect(measured).toBe(told);
  expect(told).not.toBe(0);
});

test("amounts of two currencies are not added", () => {
  db.exec("SAVEPOINT two; UPDATE Sales SET currency = 'JPY' WHERE merchant = 'm1'");
  expect(valueIn(`SELECT ${measureSql("Total net", measures)}`)).toBeNull();
  db.exec("ROLLBACK TO two");
});
