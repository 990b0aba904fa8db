import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "ledger-core/testing/engines/child";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { documentOf, ledger, runLedgerWith } from "../ledger.fixture.ts";

const dir = mkdtempSync(join(tmpdir(), "ledger-services-"));
const data = { LEDGER_DATA: dir, LEDGER_PORT: "0", LEDGER_OPERATIONS_PORT: "0" };
beforeAll(async () => void (await ledger("token", "--role", "operator", "--data", dir)));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Starts a service on ports of its own. As soon as it says that its API is open, that must be so. */
async function startUntilOpen(service: string) {
  const [port, operations] = [await freePort(), await freePort()];
  const ports = { LEDGER_PORT: String(port), LEDGER_OPERATIONS_PORT: String(operations) };
  const running = runLedgerWith({ ...data, ...ports }, "start", service);
  const readiness = () => fetch(`http://127.0.0.1:${operations}/readyz`).then((answer) => answer.text(), String);
  await expect.poll(readiness, { timeout: 60_000, interval: 10 }).toContain('"name":"api","ready":true');
  expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
  return { ...running, operations };
}

const ended = (env: Readonly<Record<string, string>>, ...args: readonly string[]) =>
  runLedgerWith({ ...data, ...env }, ...args).ended;

describe("a service that cannot start says why, once, and writes nothing", () => {
  test("all faulty settings are named at once", async () => {
    const faulty = { EVENT_LOG: "postgres://x", LEDGER_RAILS: "fps,,", LEDGER_PORT: "web", LEDGER_LOG_LEVEL: "loud" };
    const { code, stdout, stderr } = await ended(faulty, "start", "command-service");
    expect({ code, stdout, lines: stderr.trim().split("\n").length }).toEqual({ code: 2, stdout: "", lines: 1 });
    for (const name of Object.keys(faulty)) expect(stderr).toContain(`${name} must be`);
  });

  test("a folder without keys", async () => {
    const { code, stderr } = await ended({ LEDGER_DATA: join(dir, "absent") }, "start", "query-service");
    expect(code).toBe(2);
    expect(stderr).toContain("a data folder gets its keys when a ledger starts on it");
  });

  test("a port that is taken", async () => {
    const first = await startUntilOpen("query-service");
    const taken = { LEDGER_OPERATIONS_PORT: String(first.operations) };
    const { code, stderr } = await ended(taken, "start", "projections", "models");
    expect(code).toBe(2);
    expect(stderr).toMatch(/cannot listen: .*EADDRINUSE.*; set LEDGER_PORT and LEDGER_OPERATIONS_PORT/);
    first.child.kill("SIGTERM");
    expect((await first.ended).code).toBe(0);
  });

  test("a mirror without a broker", async () => {
    const { code, stderr } = await ended({}, "start", "mirror");
    expect(code).toBe(2);
    expect(stderr).toContain("BROKER is none: set it to the kafka:// URL");
  });

  test("an unknown projection", async () => {
    const { code, stderr } = await ended({}, "start", "projections", "everything");
    expect(code).toBe(2);
    expect(stderr).toContain("Allowed choices are models, graph");
  });
});

test("a process of one projection is ready when that one is, and names no other", async () => {
  const running = runLedgerWith(data, "start", "projections", "graph");
  const [, operations = ""] = await running.printed(/"operations":"([^"]+)"/);
  const readiness = await (await fetch(`${operations}/readyz`)).text();
  expect(readiness).toContain('"name":"graph"');
  expect(readiness).not.toContain('"name":"models"');
  const metrics = await (await fetch(`${operations}/metrics`)).text();
  expect(metrics).toContain("projection_graph_revision");
  expect(metrics).not.toContain("projection_models_revision");
  running.child.kill("SIGTERM");
  expect((await running.ended).code).toBe(0);
});

describe("config check", () => {
  test("prints every setting, where it comes from, and what can be reached", async () => {
    const writer = await startUntilOpen("command-service");
    const check = await ended({}, "config", "check", "--json");
    writer.child.kill("SIGTERM");
    await writer.ended;
    expect(check.code).toBe(0);
    const { settings, connections } = documentOf(check);
    expect(settings).toContainEqual({ name: "LEDGER_PORT", value: "0", from: "set" });
    expect(settings).toContainEqual({ name: "LEDGER_RAILS", value: "fps,card,bank", from: "default" });
    expect(connections).toEqual([
      { name: "data folder", ok: true, detail: dir },
      { name: "event log", ok: true, detail: "its head is 0" },
      { name: "read models", ok: true, detail: `the file ${join(dir, "models.sqlite")}` },
      { name: "read models of queries", ok: true, detail: `the file ${join(dir, "models.sqlite")}` },
      { name: "graph", ok: true, detail: "a file" },
      { name: "tables of jobs", ok: true, detail: "none are used" },
      { name: "broker", ok: true, detail: "none is used" },
      { name: "identity", ok: true, detail: "the key in the data folder" },
      { name: "limits", ok: true, detail: "the file in the data folder" },
    ]);
  });

  test("ends with 1 when something cannot be reached, and with 2 when settings are faulty", async () => {
    const absent = await ended({ EVENT_LOG: `sqlite:${join(dir, "absent.sqlite")}` }, "config", "check", "projections");
    expect(absent.code).toBe(1);
    expect(absent.stdout).toContain("event log: FAILED, ");
    const faulty = await ended({ EVENT_LOG: "postgres://x" }, "config", "check", "projections");
    expect(faulty.code).toBe(2);
    expect(faulty.stdout).toContain("EVENT_LOG must be");
    const other = await ended({ EVENT_LOG: "postgres://x" }, "config", "check", "query-service");
    expect(other.code).toBe(0);
  });
});

describe("a planted secret is in no output", () => {
  const secret = "planted-5e3r3t";
  const file = join(dir, "password");
  beforeAll(() => writeFileSync(file, `${secret}\n`));
  const plants: readonly Readonly<Record<string, string>>[] = [
    { EVENT_LOG: "esdb://127.0.0.1:9", EVENT_LOG_USERNAME: "ledger", EVENT_LOG_PASSWORD: secret },
    { EVENT_LOG: "esdb://127.0.0.1:9", EVENT_LOG_USERNAME: "ledger", EVENT_LOG_PASSWORD_FILE: file },
    { EVENT_LOG: `esdb://ledger:${secret}@127.0.0.1:9` },
  ];
  const commands = [
    ["config", "check"],
    ["start", "command-service"],
  ];
  test.each(plants.flatMap((plant) => commands.map((args) => ({ plant, args }))))("%o", async ({ plant, args }) => {
    const running = runLedgerWith({ ...data, ...plant, LEDGER_LOG_LEVEL: "trace" }, ...args);
    // If it starts after all, its output until it is stopped is checked.
    void running.printed(/"operations":/).then(
      () => running.child.kill("SIGTERM"),
      () => undefined,
    );
    const { stdout, stderr } = await running.ended;
    expect(stdout + stderr).not.toContain(secret);
    expect(stdout + stderr).toMatch(/EVENT_LOG|event log/);
  });
});
