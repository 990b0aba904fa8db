import { randomUUID } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeEvent, LedgerError } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import { createLogger } from "ledger-core/process";
import { openTestLog, randomHistory } from "ledger-core/testing";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { commitPath, encodeCommit } from "./delta/actions.ts";
import { makeDataFiles } from "./delta/batch.ts";
import { readLog } from "./delta/log.ts";
import { readDataFile } from "./delta/rows.ts";
import { type Exporter, type ExportTuning, startExporter } from "./exporter.ts";
import type { Lake } from "./ports/lake.ts";
import { positionsAt, takeSnapshot } from "./snapshot/snapshot.ts";
import { exportTables } from "./tables/tables.ts";
import { names } from "./testing/folder.ts";
import { lakePerTest } from "./testing/lake-per-test.ts";
import { unusedFiles } from "./verification/unused-files.ts";
import { verifyTable } from "./verification/verify.ts";

const history = randomHistory(Number(process.env.LEDGER_SEED ?? Date.now() % 2 ** 31), 200);
const logger = createLogger({ name: "export", level: "silent" });
const PATIENCE = { timeout: 100_000, interval: 5 };

const here = lakePerTest();

async function append(log: EventLog, from: number, to: number): Promise<void> {
  const events = history.slice(from, to).map((event) => ({ id: event.id, at: event.at, ...encodeEvent(event) }));
  await log.append(0, from - 1, events);
}

function start(log: EventLog, into: Lake = here.lake, more: ExportTuning = {}): Exporter {
  const maintenance = { compaction: { targetBytes: 8 * 1024, filesMin: 2, copyRowsMin: 5 } };
  const tuning = { everyMs: 20, againMs: 20, checkpointEvery: 5, maintenance, ...more };
  const options = { log, lake: into, names, logger, uniqueName: randomUUID, tables: exportTables, shards: 1, tuning };
  const exporter = startExporter(options);
  onTestFinished(() => exporter.stop());
  return exporter;
}

async function reached(exporter: Exporter, revision: number): Promise<void> {
  const least = () => Math.min(...exporter.statuses().map((status) => status.revision));
  await expect.poll(least, PATIENCE).toBe(revision);
}

async function compare(log: EventLog) {
  return Promise.all(exportTables.map((table) => verifyTable({ log, lake: here.lake, table, names, shard: 0 })));
}

test("every event is in the lake once, also after restarts, and the lake equals the log", async () => {
  const { log } = await openTestLog();
  for (let from = 0; from < history.length; from += 40) {
    const to = Math.min(from + 40, history.length);
    await append(log, from, to);
    const exporter = start(log);
    await reached(exporter, to - 1);
    await exporter.stop();
  }
  const tables = await compare(log);
  expect(tables.map(({ fault }) => fault)).toEqual(exportTables.map(() => null));
  expect(tables.map(({ last }) => last)).toEqual(exportTables.map(() => history.length - 1));
  expect(tables[0]?.rows).toBe(history.length);
  expect(Object.values(tables[1]?.sums ?? {})).toEqual([0n]);
  expect((await compare(log)).map(({ hash }) => hash)).toEqual(tables.map(({ hash }) => hash));
});

test("history is not held back, in whatever pieces it is delivered", async () => {
  const { log } = await openTestLog();
  await append(log, 0, history.length);
  const inPieces: EventLog = {
    ...log,
    async *subscribe(shard, from, signal) {
      for await (const delivery of log.subscribe(shard, from, signal)) {
        if (delivery.kind === "caught_up") yield delivery;
        else
          for (let at = 0; at < delivery.events.length; at += 10)
            yield { kind: "events", events: delivery.events.slice(at, at + 10) };
      }
    },
  };
  const exporter = start(inPieces, here.lake, { batchMax: 7, everyMs: 600_000 });
  // It waits with less than a batch left, and then has not told yet of the batch before.
  const least = () => Math.min(...exporter.statuses().map((status) => status.revision));
  await expect.poll(least, PATIENCE).toBeGreaterThan(history.length - 1 - 7 - 7);
  await exporter.stop();
});

test("a lake that is away holds nothing up, is named, and is written to once it is back", async () => {
  const { log } = await openTestLog();
  await append(log, 0, 20);
  let away = true;
  const fault = new LedgerError("store_unavailable", "no room left");
  const create: Lake["create"] = (path, content) => (away ? Promise.reject(fault) : here.lake.create(path, content));
  const exporter = start(log, { ...here.lake, create });
  const reasons = () => exporter.statuses().map(({ reason }) => reason);
  await expect.poll(reasons, PATIENCE).toEqual(exportTables.map(() => "store_unavailable: no room left"));
  away = false;
  await reached(exporter, 19);
  expect((await compare(log)).map(({ fault }) => fault)).toEqual(exportTables.map(() => null));
});

test("a table that someone else has changed stops alone, and goes on when it is mended", async () => {
  const { log } = await openTestLog();
  await append(log, 0, 20);
  const foreign = join(here.dir, commitPath("postings", 0));
  await here.lake.create(commitPath("postings", 0), encodeCommit("ELSEWHERE", 0, []));
  const exporter = start(log);
  const states = () => exporter.statuses().map(({ projection, state }) => `${projection} ${state}`);
  await expect.poll(states, PATIENCE).toContain("postings halted");
  await expect.poll(states, PATIENCE).toContain("payments live");
  rmSync(foreign);
  await reached(exporter, 19);
});

test("a snapshot is the same each time it is built, while the lake grows and its files are merged", {
  timeout: 120_000,
}, async () => {
  const { log } = await openTestLog();
  await append(log, 0, 20);
  const exporter = start(log);
  await reached(exporter, 19);
  const at = [{ shard: 0, revision: 15 }];
  const snapshots = [await takeSnapshot(here.lake, at)];
  for (const from of [20, 25, 30, 35]) {
    await append(log, from, from + 5);
    await reached(exporter, from + 4);
    snapshots.push(await takeSnapshot(here.lake, at));
  }
  expect(new Set(snapshots.map(({ sha256 }) => sha256)).size).toBe(1);
  expect(snapshots[0]?.tables.map(({ table, rows }) => [table, rows])).toEqual(
    exportTables.map(({ name, rows }) => {
      const stored = { version: 1, leaf: new Uint8Array(32) };
      return [name, history.slice(0, 16).flatMap((event) => [...rows(event, stored, names)]).length];
    }),
  );
  expect((await takeSnapshot(here.lake, [{ shard: 0, revision: 16 }])).sha256).not.toBe(snapshots[0]?.sha256);
  const later = [{ shard: 0, revision: 40 }];
  await expect(takeSnapshot(here.lake, later)).rejects.toMatchObject({ code: "not_ready" });
  const [held, newest] = [history.slice(0, 40), history[39]?.at ?? never()];
  const last = held.findLastIndex((event) => event.at < newest);
  const revision = last < 0 ? [] : [{ shard: 0, revision: last }];
  expect(await positionsAt(here.lake, 1, held[last]?.at ?? newest - 1)).toEqual(revision);
  await expect(positionsAt(here.lake, 1, newest)).rejects.toMatchObject({ code: "not_ready" });
});

describe("a difference is named", () => {
  let log: EventLog;
  const [events] = exportTables;
  beforeEach(async () => {
    ({ log } = await openTestLog());
    await append(log, 0, history.length);
    const exporter = start(log);
    await reached(exporter, history.length - 1);
    await exporter.stop();
  });
  const faultOf = async (name: string) => (await compare(log)).find(({ table }) => table === name)?.fault;

  async function firstFile(name: string): Promise<string> {
    const { snapshot } = await readLog(here.lake, name, { files: true });
    return join(here.dir, name, decodeURIComponent([...snapshot.adds.keys()][0] ?? ""));
  }

  test("a missing file", async () => {
    rmSync(await firstFile("payments"));
    expect(await faultOf("payments")).toMatch(/^payments\/booked_date=.*\.parquet is missing$/);
  });

  test("a changed byte, wherever it is", async () => {
    const file = await firstFile("postings");
    const bytes = readFileSync(file);
    for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 40)) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      writeFileSync(file, changed);
      expect(await faultOf("postings"), `byte ${at}`).toMatch(/\.parquet has other bytes than were written$/);
    }
  });

  test("a missing commit", async () => {
    const { version } = await readLog(here.lake, "accounts", { files: false });
    rmSync(join(here.dir, commitPath("accounts", 0)));
    expect(await faultOf("accounts")).toBe(`commit 0 of accounts is missing; the newest is ${version}`);
  });

  test("an altered row, with its column", async () => {
    const table = events ?? never();
    const { snapshot, version } = await readLog(here.lake, table.name, { files: true });
    const [add] = snapshot.adds.values();
    const rows = await readDataFile(here.lake, table, add ?? never());
    const type = table.columns.findIndex(({ name }) => name === "type");
    const altered = rows.map((row, at) => (at === 1 ? row.with(type, "PaymentRefunded") : row));
    const [file] = makeDataFiles(table, altered, { uniqueName: randomUUID, nowMs: 0 });
    await here.lake.create(`${table.name}/${file?.path}`, file?.bytes ?? never());
    const actions = [
      { remove: { path: add?.path ?? never(), deletionTimestamp: 0, dataChange: true } },
      { add: file?.add ?? never() },
    ];
    await here.lake.create(commitPath(table.name, version + 1), encodeCommit("UPDATE", 0, actions));
    const actual = String(rows[1]?.[type]);
    expect(await faultOf(table.name)).toBe(
      `ledger_events differs at 0:1: type is PaymentRefunded, the log says ${actual}`,
    );
  });

  test("files that no commit names are found, and only those", async () => {
    await here.lake.create("payments/booked_date=2026-01-01/left.zstd.parquet", new Uint8Array(9));
    const nowMs = Date.now() + 1000;
    const unused = await unusedFiles(here.lake, "payments", { olderThanMs: 0, nowMs });
    expect(unused.map(({ path, size }) => [path, size])).toEqual([
      ["payments/booked_date=2026-01-01/left.zstd.parquet", 9],
    ]);
    expect(await unusedFiles(here.lake, "payments", { olderThanMs: 60_000, nowMs })).toEqual([]);
  });
});

function never(): never {
  throw new Error("is there");
}
