import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { ledger, type Running, runLedgerWith } from "../ledger.fixture.ts";

const dir = mkdtempSync(join(tmpdir(), "ledger-all-"));
const data = { LEDGER_DATA: dir, LEDGER_PORT: "0", LEDGER_OPERATIONS_PORT: "0" };
const lake = { EXPORT: `folder:${join(dir, "lake")}`, EXPORT_KEY: "a key of at least 32 characters.." };
const names = ["command-service", "projections", "query-service", "export"];
beforeAll(async () => void (await ledger("token", "--role", "operator", "--data", dir)));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

type Service = { readonly service: string; readonly operations: string; readonly pid: number };

/** `ledger start all`, and its services once each has said where it is. */
async function startedAll(): Promise<{ readonly running: Running; readonly services: readonly Service[] }> {
  const running = runLedgerWith({ ...data, ...lake }, "start", "all");
  const services: Service[] = [];
  for (const name of names) {
    const [line] = await running.printed(new RegExp(`{"service":"${name}".*}`));
    services.push(JSON.parse(line));
  }
  onTestFinished(() => {
    for (const { pid } of services) if (runs(pid)) process.kill(pid, "SIGKILL");
  });
  return { running, services };
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const allGone = (services: readonly Service[]) =>
  vi.waitFor(() => expect(services.filter(({ pid }) => runs(pid))).toEqual([]), { timeout: 60_000 });

test("each service is a process of its own, and one signal stops all of them", async () => {
  const { running, services } = await startedAll();
  for (const { operations } of services) expect((await fetch(`${operations}/livez`)).status).toBe(200);
  expect(new Set(services.map(({ pid }) => pid)).size).toBe(names.length);
  running.child.kill("SIGTERM");
  expect((await running.ended).code).toBe(0);
  await allGone(services);
});

test("if a service ends by itself, the others are stopped, and it says which one", async () => {
  const { running, services } = await startedAll();
  process.kill(services.find(({ service }) => service === "projections")?.pid ?? expect.unreachable(), "SIGKILL");
  const { code, stderr } = await running.ended;
  expect(code).toBe(1);
  expect(stderr).toContain("projections was ended by SIGKILL: the others are stopped");
  await allGone(services);
});

test("if it is killed, the services stop by themselves", async () => {
  const { running, services } = await startedAll();
  running.child.kill("SIGKILL");
  await allGone(services);
});

test("faulty settings are named at once, and nothing is started", async () => {
  const faulty = { EVENT_LOG: "postgres://x", LEDGER_RAILS: "fps,," };
  const { code, stdout, stderr } = await runLedgerWith({ ...data, ...faulty }, "start", "all").ended;
  expect({ code, stdout, lines: stderr.trim().split("\n").length }).toEqual({ code: 2, stdout: "", lines: 1 });
  for (const name of Object.keys(faulty)) expect(stderr).toContain(`${name} must be`);
  const shared = await runLedgerWith({ ...data, LEDGER_PORT: "8081" }, "start", "all").ended;
  expect(shared.code).toBe(2);
  expect(shared.stderr).toContain("LEDGER_PORT is one port, and several services would listen on it: unset it");
});
