import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openWriter } from "command-service";
import { openSqliteLog } from "ledger-core/event-log";
import { systemRuntime } from "ledger-core/process";
import { expect, onTestFinished, test } from "vitest";
import { ledger, runLedger } from "../ledger.fixture.ts";

const FORTY_DAYS_US = 40 * 86_400_000_000;

/** A data folder whose last event is 40 days old. */
async function restedFolder(): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), "ledger-start-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  await ledger("token", "--role", "operator", "--data", dir);
  const log = await openSqliteLog({ file: join(dir, "events.sqlite") });
  const runtime = { ...systemRuntime, now: () => systemRuntime.now() - FORTY_DAYS_US };
  const writer = await openWriter({ log, shard: 0, stateFile: join(dir, "state.sqlite"), runtime });
  await writer.stop();
  await log.close();
  return dir;
}

async function start(dir: string, ...flags: readonly string[]) {
  const server = runLedger("start", "--data", dir, "--port", "0", "--json", ...flags);
  const [, url = ""] = await server.printed(/"url":"([^"]+)"/);
  const token = (await ledger("token", "--role", "operator", "--data", dir)).stdout.trim();
  const openAccount = (key: string) =>
    fetch(`${url}/v1/accounts`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", "idempotency-key": key },
      body: JSON.stringify({ type: "wallet", owner: "alice", currency: "HKD" }),
    });
  const stop = async () => {
    server.child.kill("SIGTERM");
    return (await server.ended).code;
  };
  return { url, openAccount, stop };
}

test("a clock 40 days after the last event is followed only with --accept-clock", async () => {
  const dir = await restedFolder();
  const unsure = await start(dir);
  const readiness = await fetch(`${unsure.url}/readyz`);
  expect(readiness.status).toBe(503);
  expect(await readiness.text()).toMatch(/the clock says 20\S+Z, and the last event is of 20\S+Z.*--accept-clock/);
  const refused = await unsure.openAccount("first");
  expect(refused.status).toBe(503);
  expect(refused.headers.get("retry-after")).not.toBeNull();
  expect(await unsure.stop()).toBe(0);

  const sure = await start(dir, "--accept-clock");
  expect((await fetch(`${sure.url}/readyz`)).status).toBe(200);
  expect((await sure.openAccount("first")).status).toBe(201);
  expect(await sure.stop()).toBe(0);

  const again = await start(dir);
  expect((await again.openAccount("second")).status).toBe(201);
  expect(await again.stop()).toBe(0);
});
