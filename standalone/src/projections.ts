import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { assert, isLedgerError, type Projection, type ProjectionTarget } from "ledger-core";
import { connectLog } from "ledger-core/event-log";
import { createLogger } from "ledger-core/process";
import { connectSqlite } from "ledger-core/sql";
import {
  graphProjection,
  migrateModels,
  modelsProjection,
  modelsTarget,
  openPaymentGraph,
  openSessionView,
  type RebuildableStore,
  rebuildableModels,
  runProjection,
  sessionProjection,
} from "projection-workers";
import type { Order, Report, StoreFile, ThreadData } from "./messages.ts";
import { newRebuild, type RebuildName } from "./rebuild-state.ts";
import { runRebuild } from "./rebuilds.ts";
import { keepStore, type OpenedStore, type StoreKeeper } from "./store-keeper.ts";
import type { KeptProjection } from "./store-session.ts";

/** The thread of projections: follows the log through its port, writes the read models, tells the main thread how far it is. */
async function main(port: MessagePort, data: ThreadData): Promise<void> {
  const tell = (report: Report) => port.postMessage(report);
  const log = connectLog(data.logPort);
  const logger = createLogger({ name: "projections", level: data.logLevel });
  const shards = Array.from({ length: data.shards }, (_, shard) => shard);

  function kept<Change>(
    name: RebuildName,
    projection: Projection<Change>,
    target: ProjectionTarget<Change>,
    store: () => RebuildableStore<Change>,
  ): KeptProjection {
    return {
      name,
      checkpoint: (shard) => target.checkpoint(shard),
      run: (shard, signal, onStatus) =>
        runProjection({
          ...{ ...data.tuning, log, logger, shard, projection, target, signal, onStatus },
          onProgress: (_projection, _shard, revision) => tell({ kind: "moved", projection: name, shard, revision }),
        }),
      rebuild: (signal) =>
        runRebuild(name, store(), { log, shards, logger, signal }, (state) => tell({ kind: "rebuild", state })),
    };
  }

  async function openModels(): Promise<OpenedStore> {
    const db = connectSqlite({ file: data.models });
    const reader = connectSqlite({ file: data.models, readOnly: true });
    const close = async () => void (await Promise.all([db.destroy(), reader.destroy()]));
    try {
      await migrateModels(db);
    } catch (error) {
      await close();
      throw error;
    }
    return {
      projections: [kept("models", modelsProjection, modelsTarget(db), () => rebuildableModels(db, reader))],
      close,
    };
  }

  async function openViews(): Promise<OpenedStore> {
    const session = await openSessionView({ file: data.views });
    const graph = await openPaymentGraph({ file: data.views }).catch(async (error: unknown) => {
      await session.close();
      throw error;
    });
    return {
      projections: [
        kept("session", sessionProjection, session, () => session.rebuildable),
        kept("graph", graphProjection, graph, () => graph.rebuildable),
      ],
      close: async () => void (await Promise.all([session.close(), graph.close()])),
    };
  }

  const keep = (store: StoreFile, names: readonly RebuildName[], open: () => Promise<OpenedStore>) =>
    keepStore({
      ...{ store, file: data[store], names, shards, log, logger, open, tuning: data.keeper },
      onOpened: (checkpoints) => tell({ kind: "opened", checkpoints }),
      onSetAside: () => tell({ kind: "set_aside", store }),
      onTrouble: (projection, shard, trouble) => tell({ kind: "standing", projection, shard, trouble }),
    });
  const keepers: Readonly<Record<StoreFile, StoreKeeper>> = {
    models: keep("models", ["models"], openModels),
    views: keep("views", ["session", "graph"], openViews),
  };
  const all = Object.values(keepers);
  const finished = Promise.all(all.map((keeper) => keeper.finished));
  port.on("message", (order: Order) => {
    switch (order.kind) {
      case "stop":
        for (const keeper of all) keeper.stop();
        return;
      case "rebuild":
        void rebuildOne(order.projection);
        return;
      case "damaged":
        return keepers[order.store].damaged(order.reason);
      default:
        order satisfies never;
    }
  });

  async function rebuildOne(projection: RebuildName): Promise<void> {
    const begun = await keepers[projection === "models" ? "models" : "views"].rebuild(projection);
    if (begun) return;
    const detail = "the file is not open now: it is tried again, or built anew, by itself";
    tell({ kind: "rebuild", state: { ...newRebuild(projection), status: "failed", detail } });
  }

  await Promise.all(all.map((keeper) => keeper.tried));
  tell({ kind: "started" });
  await finished;
  await log.close();
  port.close();
}

assert(parentPort, "this file is a thread, started by standalone");
const port = parentPort;
await main(port, workerData).catch((error: unknown) => {
  if (!isLedgerError(error)) throw error;
  port.postMessage({ kind: "refused", code: error.code, message: error.message } satisfies Report);
});
