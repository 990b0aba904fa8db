import { execFileSync } from "node:child_process";
import { randomInt, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeEvent, type Runtime } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import { createMetrics } from "ledger-core/http";
import { createLogger, systemRuntime } from "ledger-core/process";
import { openTestLog, randomHistory, seeded } from "ledger-core/testing";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { folderLake } from "./adapters/folder/folder-lake.ts";
import { type Exporter, startExporter } from "./exporter.ts";
import type { Lake } from "./ports/lake.ts";
import { exportChecks, measureExport } from "./readiness.ts";
import { exportTables } from "./tables/tables.ts";
import { makeLakeFolder, names } from "./testing/folder.ts";
import { verifyTable } from "./verification/verify.ts";

const seed = Number(process.env.LEDGER_SEED ?? randomInt(2 ** 31));
const history = randomHistory(seed, 200);
const head = history.length - 1;
const half = Math.floor(head / 2);
const PATIENCE = { timeout: 100_000, interval: 10 };
const tableNames = exportTables.map(({ name }) => name);
const none = exportTables.map(() => null);

const disks: string[] = [];
afterAll(() => {
  for (const disk of disks) {
    execFileSync("umount", [disk]);
    rmSync(disk, { recursive: true, force: true });
  }
});

/** A folder on a small file system of its own; undefined where mounting is not permitted. */
function mountDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "payledger-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], { stdio: "ignore" });
  } catch {
    rmSync(folder, { recursive: true, force: true });
    return undefined;
  }
  disks.push(folder);
  return folder;
}

function remount(disk: string, access: "ro" | "rw"): void {
  execFileSync("mount", ["-o", `remount,${access}`, disk]);
}

async function append(log: EventLog, from: number, to: number): Promise<void> {
  const events = history.slice(from, to).map((event) => ({ id: event.id, at: event.at, ...encodeEvent(event) }));
  await log.append(0, from - 1, events);
}

/** An exporter, with what it tells in readiness, metrics and log. */
function start(log: EventLog, lake: Lake, runtime: Runtime = systemRuntime) {
  const lines: string[] = [];
  const logger = createLogger({ name: "export", level: "warn", to: { write: (line) => void lines.push(line) } });
  const maintenance = { compaction: { targetBytes: 64 * 1024, filesMin: 2, copyRowsMin: 3 } };
  const tuning = { batchMax: 7, everyMs: 0, againMs: 20, checkpointEvery: 3, maintenance };
  const own = { log, lake, names, logger, runtime, tuning };
  const exporter = startExporter({ ...own, tables: exportTables, shards: 1, uniqueName: randomUUID });
  onTestFinished(() => exporter.stop());
  const metrics = createMetrics();
  measureExport(metrics, exporter, () => head);
  return { exporter, lines, checks: exportChecks(exporter, tableNames), registry: metrics.registry };
}

async function reached(exporter: Exporter, revision: number): Promise<void> {
  const least = () => Math.min(...exporter.statuses().map((status) => status.revision));
  await expect.poll(least, PATIENCE).toBe(revision);
}

async function faults(log: EventLog, lake: Lake) {
  const compared = exportTables.map((table) => verifyTable({ log, lake, table, names, shard: 0 }));
  return (await Promise.all(compared)).map(({ fault }) => fault);
}

/** Every table has stopped for this reason, and says so wherever someone looks; now and then it tries again. */
async function allStopped({ exporter, lines, checks, registry }: ReturnType<typeof start>, why: RegExp): Promise<void> {
  const stopped = () =>
    exporter.statuses().filter(({ state, reason }) => state === "retrying" && why.test(`${reason}`));
  await expect.poll(stopped, PATIENCE).toHaveLength(tableNames.length);
  await expect.poll(() => registry.metrics(), PATIENCE).toContain(`export_stopped_tables ${tableNames.length}`);
  await expect
    .poll(() => checks.map(({ check }) => check()), PATIENCE)
    .toMatchObject(
      tableNames.map(() => ({ ready: false, detail: expect.stringContaining("retrying, store_unavailable") })),
    );
  for (const name of tableNames)
    expect(lines.some((line) => line.includes(`"projection":"${name}"`) && why.test(line))).toBe(true);
}

test(`a full disk, and one that is read-only, stop every table until they are mended (seed ${seed})`, {
  timeout: 120_000,
}, async ({ skip }) => {
  const disk = mountDisk();
  if (disk === undefined) return skip("mounting a file system takes root");
  const { log } = await openTestLog();
  await append(log, 0, half + 1);
  const filler = join(disk, "filler");
  const next = seeded(seed);
  const lake = folderLake(join(disk, "lake"), randomUUID);
  const { bavail, bsize } = statfsSync(disk);
  // Room for a few files, and for all of no table: commits are cut off at any step.
  writeFileSync(filler, Buffer.alloc((bavail - next(6)) * bsize));
  const started = start(log, lake);
  await allStopped(started, /ENOSPC/);
  rmSync(filler);
  await reached(started.exporter, half);
  expect(await faults(log, lake)).toEqual(none);

  remount(disk, "ro");
  await append(log, half + 1, head + 1);
  await allStopped(started, /EROFS/);
  expect(await faults(log, lake)).toEqual(none);
  remount(disk, "rw");
  await reached(started.exporter, head);
  expect(await faults(log, lake)).toEqual(none);
  const { registry, checks } = started;
  expect(await registry.metrics()).toContain("export_stopped_tables 0");
  expect(checks.map(({ check }) => check().ready)).toEqual(tableNames.map(() => true));
});

test(`a clock that jumps by decades either way changes no row, and takes none away (seed ${seed})`, {
  timeout: 120_000,
}, async () => {
  const { log } = await openTestLog();
  await append(log, 0, head + 1);
  const folder = makeLakeFolder();
  onTestFinished(folder.remove);
  const next = seeded(seed);
  const years = [0, 1970, 2026, 2250].map((year) => Date.UTC(year, 0, 1) * 1000);
  const now = () => (years[next(years.length)] ?? 0) + next(1_000_000);
  const { exporter } = start(log, folder.open(), { ...systemRuntime, now });
  await reached(exporter, head);
  await exporter.stop();
  expect(await faults(log, folder.open())).toEqual(none);
  const again = start(log, folder.open());
  await reached(again.exporter, head);
  expect(again.lines).toEqual([]);
});
