import { randomInt, randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { encodeEvent, type LedgerEvent, type Runtime } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import { createLogger, systemRuntime } from "ledger-core/process";
import { openTestLog, randomHistory } from "ledger-core/testing";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { readLog } from "./delta/log.ts";
import { type Exporter, type ExportTuning, startExporter } from "./exporter.ts";
import type { Lake } from "./ports/lake.ts";
import { exportTables } from "./tables/tables.ts";
import { names } from "./testing/folder.ts";
import { lakePerTest } from "./testing/lake-per-test.ts";
import { verifyTable } from "./verification/verify.ts";

const seed = Number(process.env.LEDGER_SEED ?? randomInt(2 ** 31));
const history = randomHistory(seed, 200);
let lines: string[] = [];
const logger = createLogger({ name: "export", level: "error", to: { write: (line) => void lines.push(line) } });
const PATIENCE = { timeout: 100_000, interval: 5 };
const none = exportTables.map(() => null);

const here = lakePerTest();
let log: EventLog;
beforeEach(async () => {
  lines = [];
  ({ log } = await openTestLog());
});

async function append(
  from: number,
  to: number,
  encode: (event: LedgerEvent) => ReturnType<typeof encodeEvent> = encodeEvent,
) {
  const events = history.slice(from, to).map((event) => ({ id: event.id, at: event.at, ...encode(event) }));
  await log.append(0, from - 1, events);
}

type Started = {
  readonly tuning?: ExportTuning;
  readonly into?: Lake;
  readonly from?: EventLog;
  readonly runtime?: Runtime;
};

function start({ tuning = {}, into = here.lake, from = log, runtime = systemRuntime }: Started): Exporter {
  const options = { log: from, lake: into, names, logger, runtime, uniqueName: randomUUID, tables: exportTables };
  const exporter = startExporter({ ...options, shards: 1, tuning: { everyMs: 0, againMs: 20, ...tuning } });
  onTestFinished(() => exporter.stop());
  return exporter;
}

const revisionsOf = (exporter: Exporter) => exporter.statuses().map(({ revision }) => revision);

async function reached(exporter: Exporter, revision: number): Promise<void> {
  await expect.poll(() => revisionsOf(exporter), PATIENCE).toEqual(exportTables.map(() => revision));
}

async function faults() {
  const compared = exportTables.map((table) => verifyTable({ log, lake: here.lake, table, names, shard: 0 }));
  return (await Promise.all(compared)).map(({ fault }) => fault);
}

/** Commits of a table that hold events. */
async function commits(table: string): Promise<number> {
  return (await readLog(here.lake, table, { files: false })).version;
}

test(`a commit holds as many events as arrive between two commits, seed ${seed}`, async () => {
  let nowMs = 0;
  const timers = new Set<{ readonly ms: number; readonly task: () => void }>();
  const runtime: Runtime = {
    ...systemRuntime,
    elapsedMs: () => nowMs,
    every(ms, task) {
      const timer = { ms, task };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  };
  const everyMs = 7000;
  await append(0, 10);
  const exporter = start({ tuning: { everyMs }, runtime });
  await reached(exporter, 9);
  const waiting = () => [...timers].filter(({ ms }) => ms > 5000 && ms <= everyMs);
  for (const to of [20, 23]) {
    const before = to === 20 ? 10 : 20;
    nowMs += 1000;
    await append(before, to);
    await expect.poll(waiting, PATIENCE).toHaveLength(exportTables.length);
    expect(new Set(revisionsOf(exporter))).toEqual(new Set([before - 1]));
    nowMs += everyMs;
    for (const { task } of waiting()) task();
    await reached(exporter, to - 1);
  }
  expect(await commits("ledger_events")).toBe(3);
  expect(await faults()).toEqual(none);
});

test(`a batch is bounded by events and by bytes, seed ${seed}`, async () => {
  await append(0, history.length);
  const exporter = start({ tuning: { batchMax: 30 } });
  await reached(exporter, history.length - 1);
  await exporter.stop();
  expect(await commits("payments")).toBe(Math.ceil(history.length / 30));
  await rm(here.dir, { recursive: true });
  const inPieces: EventLog = {
    ...log,
    async *subscribe(shard, from, signal) {
      for await (const delivery of log.subscribe(shard, from, signal)) {
        const { length } = delivery.kind === "events" ? delivery.events : [];
        for (let at = 0; delivery.kind === "events" && at < length; at += 10)
          yield { kind: "events", events: delivery.events.slice(at, at + 10) };
        if (delivery.kind === "caught_up") yield delivery;
      }
    },
  };
  const small = start({ tuning: { batchBytesMax: 1 }, into: here.open(), from: inPieces });
  await reached(small, history.length - 1);
  expect(await commits("ledger_events")).toBe(Math.ceil(history.length / 10));
  expect(await faults()).toEqual(none);
});

test(`an event that cannot be read stops every table behind the ones before it, seed ${seed}`, async () => {
  await append(0, 20);
  const data = Buffer.from("{}");
  await append(20, 21, (event) => ({ ...encodeEvent(event), data }));
  const exporter = start({ tuning: { againMs: 600_000 } });
  const states = () => exporter.statuses().map(({ state }) => state);
  await expect.poll(states, PATIENCE).toEqual(exportTables.map(() => "halted"));
  expect(revisionsOf(exporter)).toEqual(exportTables.map(() => 19));
  const reasons = exporter.statuses().map(({ reason }) => reason);
  expect(reasons).toEqual(exportTables.map(() => expect.stringMatching(/^poison_event: .* at 0:20 /)));
});

test(`of two exporters, each event is in the lake once, seed ${seed}`, { timeout: 120_000 }, async () => {
  const both = [start({ tuning: { batchMax: 7 } }), start({ tuning: { batchMax: 5 }, into: here.open() })];
  for (let from = 0; from < history.length; from += 20) await append(from, Math.min(from + 20, history.length));
  for (const exporter of both) await reached(exporter, history.length - 1);
  expect(await faults()).toEqual(none);
});

test(`a lake that was emptied is named, and exported again, seed ${seed}`, { timeout: 120_000 }, async () => {
  await append(0, 20);
  const exporter = start({});
  await reached(exporter, 19);
  await rm(here.dir, { recursive: true });
  await append(20, 25);
  await reached(exporter, 24);
  expect(await faults()).toEqual(none);
  for (const { name } of exportTables)
    expect(lines.filter((line) => line.includes(`${name} holds shard 0 up to -1, and events up to 19`))).toHaveLength(
      1,
    );
});
