import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import {
  DeltaTable,
  exportPart,
  exportTables,
  openExport,
  startBatch,
  startExporter,
  startWithLibrary,
} from "analytics-export";
import { decodeEvent } from "ledger-core";
import { openEventLogReader } from "ledger-core/engines";
import { createLogger, readConfiguration } from "ledger-core/process";
import { childOptions, memory, serveParent } from "./child.ts";

export type ExportRunOptions = { readonly log: string; readonly folder: string };
export type ExportQuestion =
  | { readonly ask: "export" | "limit" }
  | { readonly ask: "commits"; readonly at: readonly number[] };
export type Exported = Readonly<Record<"events" | "seconds" | "cpuSeconds" | "rssMostBytes", number>>;
export type ExportLimit = { readonly eventsPerSecond: number };
/** The median time of the commits around each number, in ms. */
export type CommitCosts = { readonly ms: readonly number[] };

const LIMIT_EVENTS = 100_000;
const BATCH = 50_000;

/** Exports a log into Delta tables in a folder, as `ledger start export` does; measures the Parquet library alone. */
const { log: file, folder } = childOptions((value) => value as ExportRunOptions);
const log = await openEventLogReader({ kind: "sqlite", file });
const EXPORT_KEY = "a key for the bench, of 32 characters";
const { lake: target } = readConfiguration({ lake: exportPart }, { EXPORT: `folder:${folder}`, EXPORT_KEY });
const { lake, names } = await openExport(target);
const logger = createLogger({ name: "bench", level: "error" });
await serveParent({}, answer, () => log.close());

function answer(question: unknown): Promise<object> {
  const asked = question as ExportQuestion;
  switch (asked.ask) {
    case "export":
      return exportAll();
    case "limit":
      return writerAlone();
    case "commits":
      return commitCosts(asked.at);
    default:
      return asked satisfies never;
  }
}

async function exportAll(): Promise<Exported> {
  const last = await log.head(0);
  const [startMs, startCpu] = [performance.now(), memory().cpuSeconds];
  const tuning = { everyMs: 0 };
  const options = { log, lake, names, logger, tables: exportTables, shards: 1, uniqueName: randomUUID, tuning };
  const exporter = startExporter(options);
  while (exporter.statuses().some(({ revision }) => revision < last)) {
    const stuck = exporter.statuses().find(({ state }) => state === "halted" || state === "retrying");
    if (stuck) throw new Error(`${stuck.projection} does not go on: ${stuck.reason}`);
    await setTimeout(20);
  }
  const seconds = (performance.now() - startMs) / 1000;
  const { cpuSeconds, rssMostBytes } = memory();
  await exporter.stop();
  return { events: last + 1, seconds, cpuSeconds: cpuSeconds - startCpu, rssMostBytes };
}

/** The work of the Parquet library with the rows of all tables, which are ready in memory. */
async function writerAlone(): Promise<ExportLimit> {
  let [events, ms] = [0, 0];
  const batches = exportTables.map(() => [] as ReturnType<(typeof exportTables)[number]["rows"]>[number][]);
  const write = () => {
    const startMs = performance.now();
    exportTables.forEach((table, index) => {
      const batch = startBatch(table, startWithLibrary);
      batch.add(batches[index] ?? []);
      batch.files({ uniqueName: randomUUID, nowMs: 0 });
    });
    ms += performance.now() - startMs;
    for (const batch of batches) batch.length = 0;
  };
  for await (const page of log.read(0, 0)) {
    for (const stored of page) {
      const event = decodeEvent(stored);
      exportTables.forEach((table, index) => {
        for (const row of table.rows(event, stored, names)) batches[index]?.push(row);
      });
      events += 1;
      if (events % BATCH === 0) write();
    }
    if (events >= LIMIT_EVENTS) break;
  }
  if (events % BATCH > 0) write();
  return { eventsPerSecond: (events / ms) * 1000 };
}

/** Commits of one event each into a table of their own. */
async function commitCosts(at: readonly number[]): Promise<CommitCosts> {
  const [shape] = exportTables;
  if (!shape) throw new Error("there is no table");
  const own = readConfiguration({ lake: exportPart }, { EXPORT: `folder:${join(folder, "commits")}`, EXPORT_KEY });
  const opened = await openExport(own.lake);
  const table = new DeltaTable({ lake: opened.lake, shape, uniqueName: randomUUID, nowMs: Date.now });
  const pages = log.read(0, 0)[Symbol.asyncIterator]();
  const [first] = (await pages.next()).value ?? [];
  await pages.return?.();
  if (!first) throw new Error("the log is empty");
  const [row] = shape.rows(decodeEvent(first), first, names);
  const times: number[] = [];
  for (let revision = 0; revision < Math.max(...at) + 5; revision++) {
    const startMs = performance.now();
    await table.apply(0, revision - 1, revision, row ? [row] : []);
    times.push(performance.now() - startMs);
  }
  const around = (number: number) => times.slice(number - 5, number + 5).sort((a, b) => a - b);
  return { ms: at.map((number) => around(number)[5] ?? Number.NaN) };
}
