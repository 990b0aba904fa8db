import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { assert, isLedgerError, type Shard } from "ledger-core";
import { connectLog } from "ledger-core/event-log";
import { createLogger } from "ledger-core/process";
import { migrateModels, modelsTarget, type ProjectionStatus, startProjections } from "projection-workers";
import type { Checkpoint, Order, Report, ThreadData } from "./messages.ts";
import { type RebuildName, rebuildNames } from "./rebuild-state.ts";
import { runRebuild } from "./rebuilds.ts";
import { openStores, type Stores } from "./stores.ts";

/** The thread of projections: follows the log through its port, writes the read models, tells the main thread how far it is. */
async function main(port: MessagePort, data: ThreadData): Promise<void> {
  const tell = (report: Report) => port.postMessage(report);
  const log = connectLog(data.logPort);
  const logger = createLogger({ name: "projections", level: data.logLevel });
  const shards = Array.from({ length: data.shards }, (_, shard) => shard);
  const stores = await openStores(data, { readOnly: false });
  await migrateModels(stores.models);
  tell({ kind: "started", checkpoints: await checkpointsOf(stores, shards) });
  const projections = startProjections({
    ...stores,
    log,
    logger,
    shards,
    onProgress: (projection, shard, revision) => tell({ kind: "moved", projection, shard, revision }),
    onStatus: (status) => tell({ kind: "standing", ...status, trouble: troubleOf(status) }),
  });
  const abort = new AbortController();
  let rebuilding: Promise<unknown> = Promise.resolve();
  port.on("message", (order: Order) => {
    switch (order.kind) {
      case "stop":
        void stop();
        return;
      case "rebuild":
        // One after another: two at once would hold each other up in the stores.
        rebuilding = rebuilding.then(() => rebuildOne(order.projection));
        return;
      default:
        order satisfies never;
    }
  });

  async function rebuildOne(projection: RebuildName): Promise<void> {
    const ports = { log, shards, logger, stores, models: data.models, signal: abort.signal };
    await runRebuild(projection, ports, (state) => tell({ kind: "rebuild", state }));
  }

  async function stop(): Promise<void> {
    abort.abort();
    await rebuilding;
    await projections.stop();
    await stores.close();
    await log.close();
    port.close();
  }
}

async function checkpointsOf(
  { models, session, graph }: Stores,
  shards: readonly Shard[],
): Promise<readonly Checkpoint[]> {
  const targets = { models: modelsTarget(models), session, graph };
  return Promise.all(
    rebuildNames.flatMap((projection) =>
      shards.map(async (shard) => ({ projection, shard, revision: await targets[projection].checkpoint(shard) })),
    ),
  );
}

function troubleOf({ state, reason }: ProjectionStatus): string | null {
  return state === "halted" || state === "retrying" ? `${state}: ${reason}` : null;
}

assert(parentPort, "this file is a thread, started by standalone");
const port = parentPort;
await main(port, workerData).catch((error: unknown) => {
  if (!isLedgerError(error)) throw error;
  const damaged = error.code === "store_damaged";
  const report: Report = { kind: "refused", code: error.code, message: error.message, damaged };
  port.postMessage(report);
});
