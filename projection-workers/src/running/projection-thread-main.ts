import { parentPort, workerData } from "node:worker_threads";
import { assert, isLedgerError } from "ledger-core";
import { connectLog } from "ledger-core/event-log";
import { createLogger } from "ledger-core/process";
import { keepProjections } from "./keep-projections.ts";
import type { ProjectionThreadData } from "./projection-thread.ts";
import type { ProjectionOrder, ProjectionReport } from "./reports.ts";

/**
 * The thread of projections: follows the log through its port, writes the read models, and reports to the thread that
 * started it.
 */
async function main(data: ProjectionThreadData, tell: (report: ProjectionReport) => void): Promise<void> {
  const log = connectLog(data.logPort);
  const logger = createLogger({ name: "projections", level: data.logLevel });
  const shards = Array.from({ length: data.shards }, (_, shard) => shard);
  const kept = keepProjections({ ...data, log, logger, shards, tell });
  parent.on("message", (order: ProjectionOrder) => kept.obey(order));
  await kept.tried;
  tell({ kind: "started" });
  await kept.finished;
  await log.close();
  parent.close();
}

assert(parentPort, "the thread of projections is a worker");
const parent = parentPort;
const tell = (report: ProjectionReport) => parent.postMessage(report);
await main(workerData, tell).catch((error: unknown) => {
  if (!isLedgerError(error)) throw error;
  tell({ kind: "refused", code: error.code, message: error.message });
});
