import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { documentOf, ledger, runLedgerWith } from "../ledger.fixture.ts";

const dir = mkdtempSync(join(tmpdir(), "ledger-export-"));
const lake = join(dir, "lake");
const KEY = "a key that nobody may ever see in any output";
const settings = {
  ...{ LEDGER_DATA: join(dir, "data"), LEDGER_PORT: "0", LEDGER_OPERATIONS_PORT: "0" },
  ...{ EXPORT: `folder:${lake}`, EXPORT_KEY: KEY, EXPORT_SECONDS: "1", LEDGER_LOG_LEVEL: "trace" },
};
beforeAll(async () => void (await ledger("token", "--role", "operator", "--data", settings.LEDGER_DATA)));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const ended = (env: Readonly<Record<string, string>>, ...args: readonly string[]) =>
  runLedgerWith({ ...settings, ...env }, ...args).ended;

test("the history is exported while it grows, verified, and a difference ends with 3", {
  timeout: 300_000,
}, async () => {
  const writer = runLedgerWith(settings, "start", "command-service");
  const [, url = ""] = await writer.printed(/"url":"([^"]+)"/);
  const { stdout: token } = await ledger("token", "--role", "operator", "--data", settings.LEDGER_DATA);
  const open = (key: string) =>
    fetch(`${url}/v1/accounts`, {
      method: "POST",
      headers: { authorization: `Bearer ${token.trim()}`, "content-type": "application/json", "idempotency-key": key },
      body: JSON.stringify({ type: "wallet", currency: "HKD", owner: "alice", timeZone: "Asia/Hong_Kong" }),
    });
  expect((await open("one")).status).toBe(201);
  const exporter = runLedgerWith(settings, "start", "export");
  const [, operations = ""] = await exporter.printed(/"operations":"([^"]+)"/);
  expect((await open("two")).status).toBe(201);
  const readiness = async () => (await fetch(`${operations}/readyz`)).text();
  // The writer's epoch, and two accounts.
  await expect
    .poll(readiness, { timeout: 120_000 })
    .toContain('"name":"ledger_events","ready":true,"detail":"0:2, live"');
  await expect.poll(readiness, { timeout: 120_000 }).toContain('"name":"accounts","ready":true,"detail":"0:2, live"');
  const metrics = await (await fetch(`${operations}/metrics`)).text();
  expect(metrics).toContain("export_stopped_tables 0");
  for (const { child } of [exporter, writer]) child.kill("SIGTERM");
  const [exported] = await Promise.all([exporter.ended, writer.ended]);
  expect(exported.code).toBe(0);
  expect(exported.stdout + exported.stderr).not.toContain(KEY);

  const equal = await ended({}, "export", "verify", "--json");
  expect(equal.code).toBe(0);
  const { tables } = documentOf(equal) as { tables: { table: string; rows: number; fault: string | null }[] };
  expect(tables.map(({ table, rows, fault }) => [table, rows, fault])).toEqual([
    ["ledger_events", 3, null],
    ["postings", 0, null],
    ["payments", 0, null],
    ["accounts", 2, null],
    ["graph_edges", 0, null],
  ]);
  const stores = await ended({}, "verify", "--stores", "--wait", "0", "--json");
  expect((documentOf(stores) as { stores: object[] }).stores).toContainEqual(
    expect.objectContaining({ store: "lake", verdict: "equal", positions: [{ shard: 0, revision: 2 }] }),
  );
  const status = await ended({}, "export", "status");
  expect(status.stdout).toMatch(/^accounts: shard 0 at 2, 0 events behind; \d files, 0\.0 MiB, \d+ commits$/m);
  const otherKey = await ended({ EXPORT_KEY: KEY.toUpperCase() }, "export", "verify");
  expect(otherKey.code).toBe(3);
  expect(otherKey.stdout).toMatch(
    /^accounts, shard 0: DIFFERS: accounts differs at 0:1: tenant is [0-9a-f]{32}, the log/m,
  );
  expect(readdirSync(lake).sort()).toEqual([
    ...["_unfinished", "accounts", "graph_edges", "ledger_events", "payments", "postings"],
  ]);
  expect((await ended({}, "export", "vacuum", "--dry-run")).stdout).toBe("0 files would be removed\n");
});

test.each([
  [{ EXPORT: "" }, [/EXPORT is none: set it to where/]],
  [{ EXPORT_KEY: "" }, [/EXPORT_KEY is not set: the export needs it/]],
  [
    { EXPORT: "s3://b", EXPORT_KEY: "short" },
    [/EXPORT must be none, folder:<path> or abfss/, /EXPORT_KEY must have at least/],
  ],
])("an export with %o does not start, and says why", async (env, messages) => {
  const { code, stderr } = await ended(env, "start", "export");
  expect(code).toBe(2);
  for (const message of messages) expect(stderr).toMatch(message);
});

test("a whole ledger exports into its data folder by itself, unless it is switched off", {
  timeout: 300_000,
}, async () => {
  const data = join(dir, "whole");
  const env = { LEDGER_DATA: data, EXPORT_SECONDS: "1" };
  const server = runLedgerWith(env, "start", "--data", data, "--port", "0", "--json");
  const [, url = ""] = await server.printed(/"url":"([^"]+)"/);
  const check = async () => (await fetch(`${url}/readyz`)).text();
  await expect
    .poll(check, { timeout: 120_000 })
    .toContain('"name":"export","ready":true,"detail":"every table is at 0 or later"');
  if (process.platform === "linux")
    expect(Math.max(...niceness(server.child.pid))).toBeGreaterThanOrEqual(constants.priority.PRIORITY_BELOW_NORMAL);
  const status = await runLedgerWith(env, "export", "status", "--json").ended;
  const { tables } = documentOf(status) as { tables: { table: string; positions: object[] }[] };
  expect(tables[0]).toMatchObject({
    table: "ledger_events",
    positions: [{ shard: 0, revision: 0, head: 0, behind: 0 }],
  });
  server.child.kill("SIGTERM");
  expect((await server.ended).code).toBe(0);
  const verified = await runLedgerWith(env, "export", "verify").ended;
  expect(verified.stdout).toContain("ledger_events, shard 0: equal; 1 rows up to 0:0 of 0:0");
  const off = runLedgerWith({ ...env, EXPORT: "none" }, "start", "--data", data, "--port", "0", "--json");
  const [, other = ""] = await off.printed(/"url":"([^"]+)"/);
  expect(await (await fetch(`${other}/readyz`)).text()).not.toContain('"name":"export"');
  off.child.kill("SIGTERM");
  await off.ended;
});

/** How far each thread of a process steps back for others, on Linux: field 19 of its `stat`, counted from 1. */
function niceness(pid: number | undefined): number[] {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).map((task) => {
    const stat = readFileSync(join(tasks, task, "stat"), "utf8");
    // The name, field 2, is in parentheses and may hold spaces.
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
  });
}

test("a whole ledger with an export that cannot be used does not start, and says why", async () => {
  const { code, stderr } = await runLedgerWith({ EXPORT: "s3://b" }, "start", "--data", join(dir, "wrong")).ended;
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining("EXPORT must be none, folder:<path> or abfss"),
  });
});
