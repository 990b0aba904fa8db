import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { encodeEvent, type LedgerEvent, parseInstant } from "ledger-core";
import { openEventLog } from "ledger-core/engines";
import { createLogger, dataPaths, readConfiguration } from "ledger-core/process";
import { shopHistory } from "ledger-core/testing/shop-history";
import { startExporter } from "../../exporter.ts";
import { openExport } from "../../open.ts";
import { embeddedEnvironment, exportPart } from "../../settings.ts";
import { exportTables } from "../../tables/tables.ts";
import { expectedFigures } from "./expected-figures.ts";

const usage = `usage: npm run spark -- sample --data <folder> [--seed 1] [--payments 2500] [--ends <time>]

Makes a ledger's data folder with four months of made-up payments, exported into its folder lake. Beside the lake it
writes expected.json: the figures of the gold tables, computed from the events without Spark; and records.jsonl: the
events as the mirror's topic holds them. \`ledger start --data\` serves the folder. The history ends at the last
midnight in UTC, or at --ends.`;

const DAYS = 122;
const DAY_US = 86_400_000_000;

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    seed: { type: "string", default: "1" },
    payments: { type: "string", default: "2500" },
    ends: { type: "string", default: new Date().toISOString().replace(/T.*/, "T00:00:00Z") },
    help: { type: "boolean" },
  },
});
const endsAt = parseInstant(values.ends);
if (values.help || values.data === undefined || endsAt === undefined) {
  console.error(usage);
  process.exit(2);
}
const paths = dataPaths(values.data);
mkdirSync(dirname(paths.exportKey), { recursive: true, mode: 0o700 });
// Made-up data: its pseudonyms may be known, and are the same each time.
writeFileSync(paths.exportKey, `the key of the sample with seed ${values.seed}\n`, { flag: "wx", mode: 0o600 });
// The folder itself, with its other keys.
const ledger = resolve(import.meta.dirname, "../../../../cli/bin/ledger.js");
execFileSync(process.execPath, [ledger, "token", "--role", "operator", "--data", values.data], { stdio: "pipe" });
const startsAt = endsAt - DAYS * DAY_US;
const events = shopHistory({
  ...{ seed: Number(values.seed), payments: Number(values.payments) },
  ...{ startsAt, days: DAYS },
});
const { lake: target } = readConfiguration({ lake: exportPart }, embeddedEnvironment(values.data, {}));
const { lake, names } = await openExport(target);
const { log, close } = await openEventLog({ kind: "sqlite", file: paths.events });
await append(events);
await exportAll();
await writeRecords();
await close();
writeFileSync(join(values.data, "expected.json"), JSON.stringify(expectedFigures(events, names)));
console.log(`${events.length} events, and their tables in ${paths.lake}`);

async function append(history: readonly LedgerEvent[]): Promise<void> {
  const batch = 500;
  for (let from = 0; from < history.length; from += batch) {
    const part = history.slice(from, from + batch);
    await log.append(
      0,
      from - 1,
      part.map((event) => ({ id: event.id, at: event.at, ...encodeEvent(event) })),
    );
  }
}

async function exportAll(): Promise<void> {
  const logger = createLogger({ name: "sample", level: "error" });
  const tuning = { everyMs: 0 };
  const options = { log, lake, names, logger, tables: exportTables, shards: 1, uniqueName: randomUUID, tuning };
  const exporter = startExporter(options);
  while (exporter.statuses().some(({ revision }) => revision < events.length - 1)) await setTimeout(20);
  await exporter.stop();
}

async function writeRecords(): Promise<void> {
  const lines: string[] = [];
  for await (const batch of log.read(0, 0)) {
    for (const { type, id, shard, revision, leaf, version, at, data } of batch) {
      const headers = { type, id, shard: `${shard}`, revision: `${revision}`, version: `${version}`, at: `${at}` };
      const value = Buffer.from(data).toString("utf8");
      lines.push(JSON.stringify({ ...headers, leaf: Buffer.from(leaf).toString("hex"), value }));
    }
  }
  writeFileSync(join(paths.lake, "../records.jsonl"), lines.join("\n"));
}
