import { once } from "node:events";
import { type MessagePort, Worker } from "node:worker_threads";
import { LedgerError, NO_REVISION, type Revision, type Shard } from "ledger-core";
import type { LogLevel } from "ledger-core/process";
import type { DataFolder } from "./data-folder.ts";
import type { Order, Report, ThreadData } from "./messages.ts";
import { newRebuild, type RebuildName, type RebuildState } from "./rebuild-state.ts";
import { StartFault } from "./start-fault.ts";

/** The thread of projections, as the main thread sees it. */
export type ProjectionThread = {
  /** How far a projection is; NO_REVISION until it has told. */
  revision(projection: RebuildName, shard: Shard): Revision;
  /** Why a projection of a shard stands still; undefined while it goes on. */
  trouble(projection: RebuildName, shard: Shard): string | undefined;
  /** Calls the listener each time any projection has moved on; answers with a function that ends that. */
  wake(listener: () => void): () => void;
  /** Begins a rebuild, or joins the one of the same name that is under way. */
  rebuild(projection: RebuildName): RebuildState;
  rebuildState(projection: RebuildName): RebuildState | undefined;
  /** Lets the projections finish the batch under way and ends the thread. */
  stop(): Promise<void>;
};

export type ThreadOptions = {
  readonly folder: DataFolder;
  /** Leads to the event log. */
  readonly logPort: MessagePort;
  readonly shards: number;
  readonly logLevel: LogLevel;
};

/** Batches need a fraction of it; without a bound, garbage of a flood is kept until it is several times as much. */
const HEAP_MIB = 512;

/** Starts the thread; answers when its stores are open. @throws StartFault folder_damaged, LedgerError incompatible when they are a newer version's */
export async function startProjectionThread(options: ThreadOptions): Promise<ProjectionThread> {
  const { folder, logPort, shards, logLevel } = options;
  const workerData: ThreadData = { models: folder.models, views: folder.views, shards, logLevel, logPort };
  const worker = new Worker(new URL("./projections.ts", import.meta.url), {
    workerData,
    transferList: [logPort],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
  });

  const positions = new Map<string, Revision>();
  const troubles = new Map<string, string>();
  const rebuilds = new Map<RebuildName, RebuildState>();
  const listeners = new Set<() => void>();
  const started = Promise.withResolvers<void>();

  const ring = () => {
    for (const listener of listeners) listener();
  };
  worker.on("message", (report: Report) => {
    switch (report.kind) {
      case "started":
        for (const { projection, shard, revision } of report.checkpoints)
          positions.set(`${projection}:${shard}`, revision);
        return started.resolve();
      case "refused":
        return started.reject(
          report.damaged ? damagedViews(folder, report.message) : new LedgerError(report.code, report.message),
        );
      case "moved":
        positions.set(`${report.projection}:${report.shard}`, report.revision);
        return ring();
      case "standing":
        if (report.trouble === null) troubles.delete(`${report.projection}:${report.shard}`);
        else troubles.set(`${report.projection}:${report.shard}`, report.trouble);
        return ring();
      case "rebuild":
        rebuilds.set(report.state.projection, report.state);
        return ring();
      default:
        return report satisfies never;
    }
  });
  // An error that nobody caught there is a bug: before the start it refuses the start, later it ends the process.
  worker.on("error", (error) => {
    started.reject(error);
    if (serving) throw error;
  });
  let serving = false;
  const order = (message: Order) => worker.postMessage(message);
  await started.promise.catch(async (error: unknown) => {
    await worker.terminate();
    throw error;
  });
  serving = true;

  return {
    revision: (projection, shard) => positions.get(`${projection}:${shard}`) ?? NO_REVISION,
    trouble: (projection, shard) => troubles.get(`${projection}:${shard}`),
    wake(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    rebuild(projection) {
      const known = rebuilds.get(projection);
      if (known?.status === "running") return known;
      const state = newRebuild(projection);
      rebuilds.set(projection, state);
      order({ kind: "rebuild", projection });
      return state;
    },
    rebuildState: (projection) => rebuilds.get(projection),
    async stop() {
      const exit = once(worker, "exit");
      order({ kind: "stop" });
      await exit;
    },
  };
}

/** What cannot be read of the read models costs nothing but the time to build it again. */
export function damagedViews({ models, views }: DataFolder, detail: string): StartFault {
  return new StartFault("folder_damaged", `${detail}; delete ${models} and ${views}: they are built anew from the log`);
}
