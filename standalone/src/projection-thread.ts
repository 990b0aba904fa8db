import { once } from "node:events";
import { type MessagePort, Worker } from "node:worker_threads";
import { LedgerError, NO_REVISION, type Revision, type Shard } from "ledger-core";
import type { LogLevel } from "ledger-core/process";
import type { ProjectionTuning } from "projection-workers";
import type { DataFolder } from "./data-folder.ts";
import type { Order, Report, StoreFile, ThreadData } from "./messages.ts";
import { newRebuild, type RebuildName, type RebuildState } from "./rebuild-state.ts";
import { StartFault } from "./start-fault.ts";
import type { KeeperTuning } from "./store-keeper.ts";

/** The thread of projections, as the main thread sees it. */
export type ProjectionThread = {
  /** How far a projection is; NO_REVISION until it has told. */
  revision(projection: RebuildName, shard: Shard): Revision;
  /** Why a projection of a shard stands still; undefined while it goes on. */
  trouble(projection: RebuildName, shard: Shard): string | undefined;
  /** Calls the listener each time any projection has moved on; answers with a function that ends that. */
  wake(listener: () => void): () => void;
  /** A query could not read a store: its file is set aside and built anew. */
  damaged(store: StoreFile, reason: string): void;
  /** How often a file was set aside since the start. */
  setAside(store: StoreFile): number;
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
  /** How the thread opens its files again, batches and retries; each field states its default. */
  readonly keeper?: Partial<KeeperTuning>;
  readonly tuning?: ProjectionTuning;
  /** A projection begins at the log's first event: until it has come to where the log ends now, it knows only a part. */
  readonly onBuildingAnew?: (projection: RebuildName, shard: Shard) => void;
  /** Another file stands in this one's place. */
  readonly onSetAside?: (store: StoreFile) => void;
};

const namesIn: Readonly<Record<StoreFile, readonly RebuildName[]>> = {
  models: ["models"],
  views: ["session", "graph"],
};

/** Batches need a fraction of it; without a bound, garbage of a flood is kept until it is several times as much. */
const HEAP_MIB = 512;

/**
 * Starts the thread; answers when its stores are open, or cannot be for now.
 * @throws StartFault folder_damaged when they saw more than the log holds, LedgerError incompatible when they are a newer version's
 */
export async function startProjectionThread(options: ThreadOptions): Promise<ProjectionThread> {
  const { folder, logPort, shards, logLevel, keeper = {}, tuning = {} } = options;
  const { models, views } = folder;
  const workerData: ThreadData = { models, views, shards, logLevel, logPort, keeper, tuning };
  const worker = new Worker(new URL("./projections.ts", import.meta.url), {
    workerData,
    transferList: [logPort],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
  });

  const positions = new Map<string, Revision>();
  const troubles = new Map<string, string>();
  const rebuilds = new Map<RebuildName, RebuildState>();
  const asides = new Map<StoreFile, number>();
  const listeners = new Set<() => void>();
  const started = Promise.withResolvers<void>();

  const ring = () => {
    for (const listener of listeners) listener();
  };
  worker.on("message", (report: Report) => {
    switch (report.kind) {
      case "started":
        return started.resolve();
      case "opened":
        for (const { projection, shard, revision } of report.checkpoints) {
          positions.set(`${projection}:${shard}`, revision);
          if (revision === NO_REVISION) options.onBuildingAnew?.(projection, shard);
        }
        return ring();
      case "refused":
        return started.reject(
          report.code === "log_corrupt"
            ? aheadOfLog(folder, report.message)
            : new LedgerError(report.code, report.message),
        );
      case "set_aside":
        for (const name of namesIn[report.store])
          for (let shard = 0; shard < shards; shard++) positions.set(`${name}:${shard}`, NO_REVISION);
        asides.set(report.store, (asides.get(report.store) ?? 0) + 1);
        options.onSetAside?.(report.store);
        return ring();
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
    damaged: (store, reason) => order({ kind: "damaged", store, reason }),
    setAside: (store) => asides.get(store) ?? 0,
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

/** It may be the log that is the wrong one: nothing is thrown away unasked. */
function aheadOfLog({ events, models, views }: DataFolder, detail: string): StartFault {
  const choice = `restore ${events}, or go on with what it holds and delete ${models} and ${views}`;
  return new StartFault("folder_damaged", `${detail}; ${choice}: they are built anew from the log`);
}
