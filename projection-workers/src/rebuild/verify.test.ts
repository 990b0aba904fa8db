import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { LedgerEvent } from "ledger-core";
import { type EventLog, openSqliteLog } from "ledger-core/event-log";
import { numberOfId } from "ledger-core/sql";
import { randomHistory } from "ledger-core/testing";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { fileOf } from "../projections/list.ts";
import { appendAll, quiet, temporaryFolder, testFolder, toTheEnd } from "../testing/stores.ts";
import { rebuild } from "./rebuild.ts";
import type { Verification } from "./verify.ts";

const events: readonly LedgerEvent[] = randomHistory(9, 250);
const head = events.length - 1;
let log: EventLog;
let removeLog: () => Promise<void>;
beforeAll(async () => {
  const { folder, remove } = await temporaryFolder();
  removeLog = remove;
  log = await openSqliteLog({ file: join(folder, "events.sqlite") });
  await appendAll(log, events);
});
afterAll(async () => {
  await log.close();
  await removeLog();
});

type VerifiedFile = { readonly file: string; verify(): Promise<Verification>; heal(): Promise<void> };

/** The projections of a file, filled from the log, one of which is verified and healed. */
async function verifiedFile(projection: string): Promise<VerifiedFile> {
  const folder = await testFolder();
  const { open, verify } = fileOf(projection);
  const file = join(folder, "live.sqlite");
  const opened = await open(file);
  onTestFinished(() => opened.close());
  for (const one of opened.projections) await toTheEnd(one, log, head);
  let scratches = 0;
  return {
    file,
    verify() {
      const scratch = join(folder, `scratch-${scratches++}`);
      return verify(projection, { live: file, scratch }, { log, shards: [0], fillMax: 100 });
    },
    async heal() {
      const one = opened.projections.find(({ name }) => name === projection);
      const options = { log, shards: [0], logger: quiet };
      await one?.use((projection, store) => rebuild(projection, store, options));
    },
  };
}

/** Changes a file without its projection's knowledge. */
function tamper(file: string, ...statements: readonly string[]): void {
  const database = new DatabaseSync(file);
  for (const statement of statements) database.exec(statement);
  database.close();
}

type TableCase = readonly [table: string, column: string, other: string, double: string];

/** For each table: a column, a value that it never has, and another key for a second copy of a row. */
const modelTables: readonly TableCase[] = [
  ["accounts", "salt", "salt + 1", "number = number + 100000"],
  ["entry_runs", "run", "run + 1", "run = run + 1000000"],
  ["entries", "amount", "amount + 1", "revision = revision + 100000"],
  ["entry_references", "idx", "idx + 100", "revision = revision + 100000"],
  ["hold_changes", "held", "held + 1", "revision = revision + 100000"],
  ["daily_totals", "units", "units + 1", "day = 20310101"],
  ["payments", "amount", "amount + 1", "number = number + 100000"],
  ["payment_states", "captured", "captured + 1", "number = number + 100000"],
  ["authorizations", "number", "number + 100000", "number = number + 200000"],
  ["movements", "body", "'{}'", "number = number + 100000"],
  ["milestones", "at", "at + 1", "span = span + 100000"],
];
const graphTables: readonly TableCase[] = [
  ["graph_edges", "salt", "salt + 1", "event = event + 100000"],
  ["graph_merchants", "tenant", "'nobody'", "merchant = merchant + 100000"],
  ["graph_captures", "event", "event + 1", "payment = payment + 100000"],
];

async function expectFound(found: VerifiedFile, [table, column, other, double]: TableCase): Promise<void> {
  expect(await found.verify()).toMatchObject({ verdict: "equal", differing: 0, faults: [] });
  const keys = keyOf(found.file, table + versionOf(found.file, table)).split(", ");
  const changes = [
    [
      `UPDATE ${table} SET ${column} = ${other} WHERE rowid_key IS FIRST`,
      keys.includes(column) ? undefined : "changed",
    ],
    [`DELETE FROM ${table} WHERE rowid_key IS FIRST`, "missing"],
    [
      `CREATE TABLE twin AS SELECT * FROM ${table} WHERE rowid_key IS FIRST; UPDATE twin SET ${double};
      INSERT INTO ${table} SELECT * FROM twin; DROP TABLE twin`,
      "surplus",
    ],
  ] as const;
  for (const [text, kind] of changes) {
    const suffix = versionOf(found.file, table);
    const named = `${table}${suffix}`;
    const key = keyOf(found.file, named);
    const first = `(${key}) = (SELECT ${key} FROM ${named} LIMIT 1)`;
    tamper(found.file, text.replaceAll(` ${table} `, ` ${named} `).replaceAll("rowid_key IS FIRST", first));
    const { verdict, differing, findings } = await found.verify();
    expect([table, text, verdict]).toEqual([table, text, "differs"]);
    expect(differing).toBe(kind === undefined ? 2 : 1);
    const [finding] = findings;
    expect(finding).toMatchObject({ table, key: expect.stringMatching(/\w/) });
    if (kind !== undefined) expect(finding?.kind).toBe(kind);
    if (kind === "changed") expect(finding?.fields).toEqual([column]);
    await found.heal();
    expect(await found.verify()).toMatchObject({ verdict: "equal" });
  }
}

function versionOf(file: string, table: string): string {
  const database = new DatabaseSync(file, { readOnly: true });
  const names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  database.close();
  const own = names.map(({ name }) => String(name)).filter((name) => name === table || name.startsWith(`${table}_v`));
  return (own[0] ?? table).slice(table.length);
}

function keyOf(file: string, table: string): string {
  const database = new DatabaseSync(file, { readOnly: true });
  const columns = database.prepare(`SELECT name FROM pragma_table_info('${table}') WHERE pk > 0 ORDER BY pk`).all();
  database.close();
  return columns.map(({ name }) => String(name)).join(", ");
}

describe("a changed cell, a missing row and a duplicate row are each found, named and healed", () => {
  test.each(modelTables)("%s", async (...table) => expectFound(await verifiedFile("models"), table));
  test.each(graphTables)("%s", async (...table) => expectFound(await verifiedFile("graph"), table));
});

test("a finding names account and event", async () => {
  const models = await verifiedFile("models");
  const database = new DatabaseSync(models.file);
  const [entry] = database.prepare("SELECT account, revision FROM entries ORDER BY revision DESC LIMIT 1").all();
  database.exec(`UPDATE entries SET balance = 7 WHERE revision = ${entry?.revision}`);
  database.close();
  const { findings } = await models.verify();
  const event = events.find(({ revision }) => revision === Number(entry?.revision));
  const accounts = events.flatMap(({ fact }) => (fact.type === "AccountOpened" ? [fact.account.id] : []));
  const account = accounts.find((id) => numberOfId(id) === Number(entry?.account));
  expect(account).toBeDefined();
  expect(findings.map((finding) => finding.account)).toContain(account);
  expect(new Set(findings.map((finding) => finding.event))).toEqual(new Set([event?.id]));
  expect(findings[0]).toMatchObject({ table: "entries", kind: "changed", fields: ["balance"] });
});

test("damaged bytes in the WAL are found, although queries check no checksum", async () => {
  const models = await verifiedFile("models");
  const wal = `${models.file}-wal`;
  const text = readFileSync(wal, "latin1");
  writeFileSync(wal, Buffer.from(text.replaceAll('{"n":"', '{"x":"'), "latin1"), { flag: "r+" });
  const query = new DatabaseSync(models.file, { readOnly: true });
  const misread = query.prepare(`SELECT count(*) AS n FROM payments WHERE metadata LIKE '{"x":%'`).get();
  query.close();
  expect(misread?.n).toBeGreaterThan(0);
  expect(await models.verify()).toMatchObject({
    verdict: "differs",
    findings: expect.arrayContaining([expect.objectContaining({ table: "payments", fields: ["metadata"] })]),
  });
});

test("an index that does not match its table is found by the file's own check", async () => {
  const models = await verifiedFile("models");
  const database = new DatabaseSync(models.file, { defensive: false });
  database.exec("PRAGMA writable_schema = ON");
  database.exec(
    "UPDATE sqlite_schema SET sql = replace(sql, '(`tenant`, `status`, `number`)', '(`tenant`, `fee`, `number`)') " +
      "WHERE name = 'payment_states_by_tenant_status_number'",
  );
  database.close();
  const { verdict, faults } = await models.verify();
  expect(verdict).toBe("unreadable");
  expect(faults.join()).toMatch(/payment_states_by_tenant_status_number|malformed|damaged/);
});

test("an open merchant recorded as shut is found", async () => {
  const graph = await verifiedFile("graph");
  tamper(graph.file, "INSERT INTO graph_shut SELECT merchant FROM graph_edges LIMIT 1");
  expect(await graph.verify()).toMatchObject({
    verdict: "differs",
    findings: [{ table: "graph_shut", kind: "surplus" }],
  });
});

test("a file that has lost a table to damage cannot be read", async () => {
  const models = await verifiedFile("models");
  const database = new DatabaseSync(models.file, { defensive: false });
  database.exec("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE tbl_name = 'entries'");
  database.close();
  const { verdict, faults } = await models.verify();
  expect(verdict).toBe("unreadable");
  expect(faults.join()).toContain("lacks a table");
});
