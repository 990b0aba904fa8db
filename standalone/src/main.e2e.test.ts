import { once } from "node:events";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Role } from "ledger-core";
import { openSqliteLog } from "ledger-core/event-log";
import { signToken } from "ledger-core/http/tokens";
import { createLogger } from "ledger-core/process";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDataFolder } from "./data-folder.ts";
import { type Standalone, startStandalone } from "./main.ts";
import { readServerFile } from "./server-file.ts";

const logger = createLogger({ level: "silent", name: "test" });
let dataDir = "";
const started: Standalone[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "standalone-"));
});
afterEach(async () => {
  for (const server of started.splice(0)) await server.stop();
  rmSync(dataDir, { recursive: true });
});

async function start(dir = dataDir, port = 0): Promise<Standalone> {
  const server = await startStandalone({ dataDir: dir, port, logger });
  started.push(server);
  return server;
}

async function operatorHeaders(role: Role = "operator"): Promise<Record<string, string>> {
  const { signingKeys } = await openDataFolder(dataDir);
  const token = await signToken({ tenant: "default", role, sub: "test", ttlSeconds: 60 }, signingKeys);
  return { authorization: `Bearer ${token}`, "content-type": "application/json" };
}

async function openAccount(url: string, key: string): Promise<Response> {
  const body = JSON.stringify({ type: "wallet", currency: "HKD", owner: "alice" });
  return fetch(`${url}/v1/accounts`, {
    method: "POST",
    headers: { ...(await operatorHeaders()), "idempotency-key": key },
    body,
  });
}

test("is ready once it has started, and queries show what was written", async () => {
  const { url } = await start();
  const ready = await fetch(`${url}/readyz`);
  expect(await ready.json()).toMatchObject({ status: "ready", checks: { length: 4 } });
  const opened = await openAccount(url, "one");
  expect(opened.status).toBe(201);
  const headers = { ...(await operatorHeaders()), "ledger-position": opened.headers.get("ledger-position") ?? "" };
  for (const path of ["/v1/accounts?owner=alice", "/v1/me/session"]) {
    expect((await fetch(url + path, { headers })).status, path).toBe(200);
  }
  const account: unknown = await opened.json();
  const list = await fetch(`${url}/v1/accounts?owner=alice`, { headers });
  expect(await list.json()).toMatchObject({ data: [account] });
});

test("after a stop the folder is free, holds no mark of a server, and has lost nothing", async () => {
  const first = await start();
  const answer = await (await openAccount(first.url, "one")).text();
  expect(readServerFile(dataDir)).toEqual({ url: first.url, pid: process.pid });
  await first.stop();
  expect(readServerFile(dataDir)).toBeUndefined();
  expect(readdirSync(dataDir).filter((name) => name.endsWith("-wal"))).toEqual([]);
  const second = await start();
  const again = await openAccount(second.url, "one");
  expect(again.headers.get("idempotency-replayed")).toBe("true");
  expect(await again.text()).toBe(answer);
});

test("a second start on the folder is refused and harms the first in nothing", async () => {
  const first = await start();
  await expect(start()).rejects.toMatchObject({ kind: "folder_locked" });
  expect((await openAccount(first.url, "one")).status).toBe(201);
  expect(readServerFile(dataDir)?.url).toBe(first.url);
});

test("a start that found its port taken lets go of everything", async () => {
  const other = mkdtempSync(join(tmpdir(), "standalone-"));
  try {
    const first = await start();
    await expect(start(other, Number(new URL(first.url).port))).rejects.toMatchObject({ kind: "port_taken" });
    expect((await fetch(`${(await start(other)).url}/readyz`)).status).toBe(200);
    await started.pop()?.stop();
  } finally {
    rmSync(other, { recursive: true });
  }
});

test("a folder of a newer version is left as it is", async () => {
  const manifest = '{"format":99}';
  writeFileSync(join(dataDir, "payledger.json"), manifest);
  await expect(start()).rejects.toMatchObject({ kind: "folder_newer", message: expect.stringContaining("format 99") });
  expect(readdirSync(dataDir).filter((name) => name.endsWith(".sqlite"))).toEqual([]);
  expect(readFileSync(join(dataDir, "payledger.json"), "utf8")).toBe(manifest);
});

test.each(["events.sqlite", "payledger.json", "keys/cursor.key", "keys/token-signing.jwk.json"])(
  "a damaged %s is named",
  async (file) => {
    await (await start()).stop();
    writeFileSync(join(dataDir, file), "garbage ".repeat(2000));
    await expect(start()).rejects.toMatchObject({ kind: "folder_damaged", message: expect.stringContaining(file) });
  },
);

test.each(["models.sqlite", "views.sqlite"])("a damaged %s is set aside and rebuilt by itself", async (file) => {
  const first = await start();
  expect((await openAccount(first.url, "one")).status).toBe(201);
  await first.stop();
  const garbage = "garbage ".repeat(2000);
  writeFileSync(join(dataDir, file), garbage);
  const { url } = await start();
  const list = await fetch(`${url}/v1/accounts?owner=alice`, { headers: await operatorHeaders() });
  expect(await list.json()).toMatchObject({ data: [{ owner: "alice" }] });
  expect(readFileSync(join(dataDir, `${file}.damaged`), "utf8")).toBe(garbage);
  const metrics = await (await fetch(`${url}/metrics`, { headers: await operatorHeaders("platform") })).text();
  expect(metrics).toMatch(new RegExp(`read_models_${file.replace(".sqlite", "")}_set_aside 1`));
});

test("a damaged state.sqlite is set aside and rebuilt from the log, and the metrics say so", async () => {
  const first = await start();
  const opened = await openAccount(first.url, "one");
  await first.stop();
  const garbage = "garbage ".repeat(2000);
  writeFileSync(join(dataDir, "state.sqlite"), garbage);
  const { url } = await start();
  const again = await openAccount(url, "one");
  expect(again.headers.get("idempotency-replayed")).toBe("true");
  expect(await again.text()).toBe(await opened.text());
  expect(readFileSync(join(dataDir, "state.sqlite.damaged"), "utf8")).toBe(garbage);
  const metrics = await (await fetch(`${url}/metrics`, { headers: await operatorHeaders("platform") })).text();
  expect(metrics).toMatch(/^decision_state_discarded_total 1$/m);
  expect(metrics).toMatch(/^decision_state_write_failures_total 0$/m);
});

test("a log that no ledger can have written is refused by the place and both balances", async () => {
  const first = await start();
  const opened: unknown = await (await openAccount(first.url, "one")).json();
  expect(opened).toMatchObject({ id: expect.any(String) });
  const body = JSON.stringify({ account: (opened as { id: string }).id, amount: "70", currency: "HKD", rail: "fps" });
  const headers = { ...(await operatorHeaders()), "idempotency-key": "two" };
  expect((await fetch(`${first.url}/v1/top-ups`, { method: "POST", headers, body })).status).toBe(201);
  await first.stop();
  const file = join(dataDir, "events.sqlite");
  const whole = await openSqliteLog({ file });
  const stored = [];
  for await (const batch of whole.read(0, 0)) stored.push(...batch);
  await whole.close();
  for (const name of readdirSync(dataDir))
    if (/^(events|state)/.test(name)) rmSync(join(dataDir, name), { recursive: true });
  const altered = await openSqliteLog({ file });
  const wrong = (data: Uint8Array) => Buffer.from(data).toString().replaceAll('"balance":"70"', '"balance":"71"');
  await altered.append(
    0,
    -1,
    stored.map((event) => ({ ...event, data: wrong(event.data) })),
  );
  await altered.close();
  const message = expect.stringMatching(/at 0:\d+ contradicts .* is at 70, its posting says 71/);
  await expect(start()).rejects.toMatchObject({ kind: "log_impossible", message });
});

test("a log older than its projections is refused", async () => {
  await (await start()).stop();
  copyFileSync(join(dataDir, "events.sqlite"), join(dataDir, ".old"));
  const second = await start();
  await openAccount(second.url, "one");
  await second.stop();
  copyFileSync(join(dataDir, ".old"), join(dataDir, "events.sqlite"));
  await expect(start()).rejects.toMatchObject({ kind: "folder_damaged", message: expect.stringContaining("old copy") });
});

test("answers to accepted requests arrive before the end", async () => {
  const server = await start();
  await operatorHeaders();
  const answers = Array.from({ length: 100 }, (_, n) =>
    openAccount(server.url, `key-${n}`).then(
      ({ status }) => status,
      () => "no connection",
    ),
  );
  await Promise.race(answers);
  await server.stop();
  const statuses = await Promise.all(answers);
  expect(statuses.filter((status) => status !== 201 && status !== 503 && status !== "no connection")).toEqual([]);
  const again = await start();
  for (const [n, status] of statuses.entries()) {
    if (status !== 201) continue;
    const replay = await openAccount(again.url, `key-${n}`);
    expect(replay.headers.get("idempotency-replayed"), `key-${n}`).toBe("true");
  }
});

test("a client that keeps its connection open does not hold up the stop", { timeout: 20_000 }, async () => {
  const server = await start();
  const agent = new Agent({ keepAlive: true });
  const headers = { ...(await operatorHeaders()), "ledger-position": "0:999999", "ledger-wait": "500" };
  // Still in flight when the stop starts: the connection is busy then, and idle only after its answer.
  const asked = request(`${server.url}/v1/accounts`, { agent, headers }).end();
  const answered = once(asked, "response");
  await once(asked, "finish");
  // After a round trip, the server has read everything that was sent before it.
  await fetch(`${server.url}/livez`);
  const stopped = server.stop();
  const [response] = await answered;
  expect(response.statusCode).toBe(503);
  response.resume();
  await stopped;
  agent.destroy();
});
