import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, watch } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startChildEngine } from "./child-engine.ts";

async function engineFolder() {
  const parent = await mkdtemp(join(tmpdir(), "engine-"));
  onTestFinished(() => rm(parent, { recursive: true }));
  const folder = join(parent, "engine");
  await mkdir(folder);
  return { parent, folder };
}

/** An engine that says it is ready and then runs until it is stopped. */
const engine = { command: "sh", args: ["-c", "echo now ready; exec sleep 600"], ready: /now ready/, readyMs: 20_000 };

test("an engine is stopped and its folder removed", async () => {
  const { folder } = await engineFolder();
  const { stop } = await startChildEngine({ ...engine, folder });
  expect(existsSync(folder)).toBe(true);
  await stop();
  expect(existsSync(folder)).toBe(false);
});

test("an engine that ends before it is ready is an error with its last words", async () => {
  const { folder } = await engineFolder();
  const args = ["-c", "echo cannot bind: address in use >&2; exit 1"];
  const started = startChildEngine({ ...engine, args, folder });
  await expect(started).rejects.toThrow("cannot bind: address in use");
  expect(existsSync(folder)).toBe(false);
});

test("an engine does not outlive a test run that is killed", async () => {
  const { parent, folder } = await engineFolder();
  const start = `
    const { startChildEngine } = await import(${JSON.stringify(new URL("./child-engine.ts", import.meta.url))});
    await startChildEngine({ command: "sh", args: ${JSON.stringify(engine.args)}, ready: /now ready/, readyMs: 20000,
      folder: ${JSON.stringify(folder)} });
    console.log("started");`;
  const run = spawn(process.execPath, ["--input-type=module", "-e", start], { stdio: ["ignore", "pipe", "inherit"] });
  await once(run.stdout, "data");
  expect(existsSync(folder)).toBe(true);
  const removed = Promise.withResolvers<void>();
  const watcher = watch(parent, () => {
    if (!existsSync(folder)) removed.resolve();
  });
  run.kill("SIGKILL");
  await removed.promise;
  watcher.close();
  expect(existsSync(folder)).toBe(false);
});
