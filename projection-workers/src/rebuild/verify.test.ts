import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type LedgerEvent, NO_REVISION } from "ledger-core";
import { type EventLog, openSqliteLog } from "ledger-core/event-log";
import { connectSqlite } from "ledger-core/sql";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openPaymentGraph, shadowGraph } from "../adapters/sqlite/payment-graph.ts";
import { openSessionView, shadowSession } from "../adapters/sqlite/session-view.ts";
import { graphProjection } from "../projections/graph/projection.ts";
import { migrateModels } from "../projections/models/migrations.ts";
import { modelsProjection } from "../projections/models/projection.ts";
import { rebuildableModels, shadowModels } from "../projections/models/rebuild.ts";
import { modelsTarget } from "../projections/models/target.ts";
import { sessionProjection } from "../projections/session/projection.ts";
import { randomHistory } from "../testing/history.ts";
import { appendAll, quiet, temporaryFolder, testFolder } from "../testing/stores.ts";
import { rebuild } from "./rebuild.ts";
import { type Verification, verify } from "./verify.ts";

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

type Projected = { readonly file: string; verify(): Promise<Verification>; heal(): Promise<void> };

async function projectedModels(): Promise<Projected> {
  const folder = await testFolder();
  const file = join(folder, "models.sqlite");
  const db = connectSqlite({ file });
  onTestFinished(() => db.destroy());
  await migrateModels(db);
  await modelsTarget(db).apply(0, NO_REVISION, head, events.flatMap(modelsProjection.project));
  let scratches = 0;
  return {
    file,
    async verify() {
      const reader = connectSqlite({ file, readOnly: true });
      const scratch = connectSqlite({ file: join(folder, `scratch-${scratches++}`) });
      try {
        return await verify(await shadowModels(reader, scratch), { log, shards: [0], fillMax: 100 });
      } finally {
        await Promise.all([reader.destroy(), scratch.destroy()]);
      }
    },
    async heal() {
      const reader = connectSqlite({ file, readOnly: true });
      await rebuild(rebuildableModels(db, reader), { log, shards: [0], logger: quiet });
      await reader.destroy();
    },
  };
}

async function projectedViews(name: "session" | "graph"): Promise<Projected> {
  const folder = await testFolder();
  const file = join(folder, "views.sqlite");
  const session = await openSessionView({ file });
  const graph = await openPaymentGraph({ file });
  onTestFinished(async () => void (await Promise.all([session.close(), graph.close()])));
  await session.apply(0, NO_REVISION, head, events.flatMap(sessionProjection.project));
  await graph.apply(0, NO_REVISION, head, events.flatMap(graphProjection.project));
  let scratches = 0;
  const scratch = () => join(folder, `scratch-${scratches++}`);
  const options = { log, shards: [0], fillMax: 100 };
  return {
    file,
    async verify() {
      if (name === "session") {
        const shadow = shadowSession({ file, scratch: scratch() });
        return verify(shadow, options).finally(() => shadow.close());
      }
      const shadow = shadowGraph({ file, scratch: scratch() });
      return verify(shadow, options).finally(() => shadow.close());
    },
    async heal() {
      if (name === "session") await rebuild(session.rebuildable, { log, shards: [0], logger: quiet });
      else await rebuild(graph.rebuildable, { log, shards: [0], logger: quiet });
    },
  };
}

/** Changes a file behind its projection's back. */
function tamper(file: string, ...statements: readonly string[]): void {
  const database = new DatabaseSync(file);
  for (const statement of statements) database.exec(statement);
  database.close();
}

type TableCase = readonly [table: string, column: string, other: string, double: string];

/** Of each table a column, a value that it never has, and a key of its own for a second copy of a row. */
const modelTables: readonly TableCase[] = [
  ["accounts", "posted", "posted + 1", "id = id || 'x'"],
  ["entries", "amount", "amount + 1", "revision = revision + 100000"],
  ["hold_changes", "held", "held + 1", "revision = revision + 100000"],
  ["daily_totals", "units", "units + 1", "date = '2031-01-01'"],
  ["payments", "captured", "captured + 1", "id = id || 'x'"],
  ["owner_payments", "owner", "'nobody'", "owner = owner || 'x'"],
  ["movements", "body", "'{}'", "id = id || 'x'"],
  ["milestones", "booked_at", "booked_at + 1", "span = span + 100000"],
];
const viewTables: readonly (readonly ["session" | "graph", TableCase])[] = [
  ["session", ["session_accounts", "held", "held + 1", "id = id || 'x'"]],
  ["session", ["session_owners", "movements", "movements + 1", "owner = owner || 'x'"]],
  ["session", ["session_movements", "body", "'[]'", "owner = owner || 'x'"]],
  ["graph", ["graph_edges", "event", "event || 'x'", "payment = payment || 'x'"]],
];

async function expectFound(projected: Projected, [table, column, other, double]: TableCase): Promise<void> {
  expect(await projected.verify()).toMatchObject({ verdict: "equal", differing: 0, faults: [] });
  const changes = [
    [`UPDATE ${table} SET ${column} = ${other} WHERE rowid_key IS FIRST`, column === "owner" ? undefined : "changed"],
    [`DELETE FROM ${table} WHERE rowid_key IS FIRST`, "missing"],
    [
      `CREATE TABLE twin AS SELECT * FROM ${table} WHERE rowid_key IS FIRST; UPDATE twin SET ${double};
      INSERT INTO ${table} SELECT * FROM twin; DROP TABLE twin`,
      "surplus",
    ],
  ] as const;
  for (const [text, kind] of changes) {
    const suffix = versionOf(projected.file, table);
    const named = `${table}${suffix}`;
    const key = keyOf(projected.file, named);
    const first = `(${key}) = (SELECT ${key} FROM ${named} LIMIT 1)`;
    tamper(projected.file, text.replaceAll(` ${table} `, ` ${named} `).replaceAll("rowid_key IS FIRST", first));
    const { verdict, differing, findings } = await projected.verify();
    expect([table, text, verdict]).toEqual([table, text, "differs"]);
    expect(differing).toBe(kind === undefined ? 2 : 1);
    const [finding] = findings;
    expect(finding).toMatchObject({ table, key: expect.stringMatching(/\w/) });
    if (kind !== undefined) expect(finding?.kind).toBe(kind);
    if (kind === "changed") expect(finding?.fields).toEqual([column]);
    await projected.heal();
    expect(await projected.verify()).toMatchObject({ verdict: "equal" });
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

describe("a changed cell, a row that is gone and one that is doubled are each found, named and healed", () => {
  test.each(modelTables)("%s", async (...table) => expectFound(await projectedModels(), table));
  test.each(viewTables)("%s %s", async (view, table) => expectFound(await projectedViews(view), table));
});

test("a finding names account and event", async () => {
  const models = await projectedModels();
  const database = new DatabaseSync(models.file);
  const [entry] = database.prepare("SELECT account, revision FROM entries ORDER BY revision DESC LIMIT 1").all();
  database.exec(`UPDATE entries SET balance_after = 7 WHERE revision = ${entry?.revision}`);
  database.close();
  const { findings } = await models.verify();
  const event = events.find(({ revision }) => revision === Number(entry?.revision));
  expect(findings.map((finding) => finding.account)).toContain(entry?.account);
  expect(new Set(findings.map((finding) => finding.event))).toEqual(new Set([event?.id]));
  expect(findings[0]).toMatchObject({ table: "entries", kind: "changed", fields: ["balance_after"] });
});

test("an index that does not fit its table is found by the file's own check", async () => {
  const models = await projectedModels();
  const database = new DatabaseSync(models.file, { defensive: false });
  database.exec("PRAGMA writable_schema = ON");
  database.exec(
    "UPDATE sqlite_schema SET sql = replace(sql, '(`tenant`, `status`, `id`)', '(`tenant`, `capture`, `id`)') WHERE name = 'payments_by_tenant_status_id'",
  );
  database.close();
  const { verdict, faults } = await models.verify();
  expect(verdict).toBe("unreadable");
  expect(faults.join()).toMatch(/payments_by_tenant_status_id|malformed|damaged/);
});

test("a merchant that is said to be shut and is not is found", async () => {
  const graph = await projectedViews("graph");
  tamper(graph.file, "INSERT INTO graph_shut SELECT merchant FROM graph_edges LIMIT 1");
  expect(await graph.verify()).toMatchObject({
    verdict: "differs",
    findings: [{ table: "graph_shut", kind: "surplus" }],
  });
});
