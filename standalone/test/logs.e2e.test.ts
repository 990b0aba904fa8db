import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDataFolder } from "../src/data-folder.ts";
import { createClient } from "./client.ts";
import { makeToken } from "./harness.ts";
import { textAt } from "./json.ts";
import { openAccount } from "./steps.ts";

/* Commands go on when the lines of a service's log cannot be written. */

const data = mkdtempSync(join(tmpdir(), "payledger-logs-"));
const ledger = resolve(import.meta.dirname, "../../cli/bin/ledger.js");
let token: string;
beforeAll(async () => {
  await openDataFolder(data);
  token = await makeToken(data, "operator", "operator", "default");
});
afterAll(() => rmSync(data, { recursive: true, force: true }));

/** A command-service that logs a line per answer, with its stderr at a file descriptor or in a pipe. */
async function startWriter(stderr: number | "pipe") {
  const env = { PATH: process.env.PATH, LEDGER_DATA: data, LEDGER_PORT: "0", LEDGER_OPERATIONS_PORT: "0" };
  const child = spawn(process.execPath, [ledger, "start", "command-service"], {
    env: { ...env, LEDGER_LOG_LEVEL: "debug" },
    stdio: ["ignore", "pipe", stderr],
  });
  const [line] = await once(child.stdout ?? expect.unreachable(), "data");
  const url = textAt(JSON.parse(String(line)), "url");
  return { child, operator: createClient({ url, revision: -1 }, token), ended: once(child, "exit") };
}

type Writer = Awaited<ReturnType<typeof startWriter>>;

/** More lines than a pipe and its buffers hold. */
async function makeLines({ operator }: Writer): Promise<void> {
  for (let round = 0; round < 40; round++)
    await Promise.all(Array.from({ length: 100 }, () => operator.get(`/nowhere/${"x".repeat(60)}`)));
}

async function serves({ operator, child, ended }: Writer, count = 1): Promise<void> {
  for (let n = 0; n < count; n++) await openAccount(operator, { owner: "quiet" });
  child.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
}

describe("commands go on", () => {
  test.skipIf(process.platform !== "linux")("while the log's disk is full", async () => {
    const full = openSync("/dev/full", "w");
    const writer = await startWriter(full);
    closeSync(full);
    await serves(writer, 20);
  });

  test("after the readers of stdout and stderr are gone", async () => {
    const writer = await startWriter("pipe");
    writer.child.stdout?.destroy();
    writer.child.stderr?.destroy();
    await serves(writer, 20);
  });

  test("while nobody reads stderr", async () => {
    const writer = await startWriter("pipe");
    await makeLines(writer);
    await openAccount(writer.operator, { owner: "quiet" });
    // Read again, so that the process can end: it waits for the write that is under way.
    writer.child.stderr?.resume();
    await serves(writer);
  });
});
