import { randomUUID } from "node:crypto";
import { readlinkSync } from "node:fs";
import { constants, getPriority, setPriority } from "node:os";
import { basename } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { assert } from "ledger-core";
import { connectLog } from "ledger-core/event-log";
import { createLogger, readConfiguration } from "ledger-core/process";
import { startExporter } from "../exporter.ts";
import { openExport } from "../open.ts";
import { exportPart } from "../settings.ts";
import { exportTables } from "../tables/tables.ts";
import type { ExportThreadData } from "./export-thread.ts";

const TELL_EVERY_MS = 1000;

/** The thread of the export: follows the log through its port, and tells the thread that started it how far it is. */
async function main({ logPort, shards, logLevel }: ExportThreadData): Promise<void> {
  assert(parentPort, "the export is a worker");
  letOthersGoFirst();
  const parent = parentPort;
  const { everyMs, ...opened } = await openExport(readConfiguration({ lake: exportPart }).lake);
  const log = connectLog(logPort);
  const exporter = startExporter({
    ...{ ...opened, log, shards, tables: exportTables, uniqueName: randomUUID },
    ...{ logger: createLogger({ name: "export", level: logLevel }), tuning: { everyMs } },
  });
  const tell = () => parent.postMessage(exporter.statuses());
  const telling = setInterval(tell, TELL_EVERY_MS);
  parent.on("message", () => void exporter.stop());
  await exporter.finished;
  clearInterval(telling);
  await log.close();
  parent.close();
}

/** On a busy machine, commands and queries come first. Only Linux knows the priority of a thread. */
function letOthersGoFirst(): void {
  if (process.platform !== "linux") return;
  const thread = Number(basename(readlinkSync("/proc/thread-self")));
  const later = constants.priority.PRIORITY_BELOW_NORMAL;
  if (getPriority(thread) < later) setPriority(thread, later);
}

await main(workerData);
