import { once } from "node:events";
import { type MessagePort, Worker } from "node:worker_threads";
import { LedgerError, NO_REVISION, type Shard } from "ledger-core";
import type { LogLevel } from "ledger-core/process";
import { createBoard, type ProjectionBoard } from "./board.ts";
import type { RebuildState } from "./rebuild-state.ts";
import type { ProjectionOrder, ProjectionReport, ProjectionTuning } from "./reports.ts";
import type { KeeperTuning } from "./store-keeper.ts";

/** The thread of projections, as seen by the thread that started it. */
export type ProjectionThread = ProjectionBoard & {
  /** Sets aside a file that a query could not read, and rebuilds it. */
  damaged(file: string, reason: string): void;
  /** Starts a rebuild, or joins the current one of the same name. */
  rebuild(projection: string): RebuildState;
  /** Lets the projections finish their current batch, and ends the thread. */
  stop(): Promise<void>;
};

/** Plain data that the thread is started with; the port leads to the event log, which has a thread of its own. */
export type ProjectionThreadData = {
  /** The folder of the files of read models. */
  readonly dir: string;
  readonly shards: number;
  readonly logLevel: LogLevel;
  readonly logPort: MessagePort;
  /** How files are reopened, and how projections batch and retry; each field states its default. */
  readonly keeper?: Partial<KeeperTuning>;
  readonly tuning?: ProjectionTuning;
};

type ProjectionThreadOptions = ProjectionThreadData & {
  /**
   * A projection starts at the log's first event. Its data is incomplete until it reaches the current end of the log.
   */
  readonly onRebuilding?: (projection: string, shard: Shard) => void;
  /** Another file takes this one's place. */
  readonly onSetAside?: (file: string) => void;
};

/**
 * Batches need a small part of this. V8 lets the old generation grow by a factor between full collections: 4 from this
 * bound on, 1.3 to 2 below it, so that nearly every batch that outlives a minor collection would cause a full one.
 */
const HEAP_MIB = 2048;

/**
 * Starts the thread; returns after the first attempt to open its files.
 * @throws LedgerError log_corrupt when a file is ahead of the log, incompatible when a newer version wrote it
 */
export async function startProjectionThread(options: ProjectionThreadOptions): Promise<ProjectionThread> {
  const { onRebuilding, onSetAside, ...workerData } = options;
  const worker = new Worker(new URL("./projection-thread-main.ts", import.meta.url), {
    workerData: workerData satisfies ProjectionThreadData,
    transferList: [workerData.logPort],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
  });
  const board = createBoard(workerData.shards);
  const started = Promise.withResolvers<void>();
  worker.on("message", (report: ProjectionReport) => {
    if (report.kind === "started") started.resolve();
    if (report.kind === "refused") started.reject(new LedgerError(report.code, report.message));
    if (report.kind === "set_aside") onSetAside?.(report.file);
    if (report.kind === "opened") {
      for (const { projection, shard, revision } of report.positions)
        if (report.rebuilding || revision === NO_REVISION) onRebuilding?.(projection, shard);
    }
    board.take(report);
  });
  // An uncaught error in the thread is a bug: it fails the start, or ends the process once serving.
  let serving = false;
  worker.on("error", (error) => {
    started.reject(error);
    if (serving) throw error;
  });
  const order = (message: ProjectionOrder) => worker.postMessage(message);
  await started.promise.catch(async (error: unknown) => {
    await worker.terminate();
    throw error;
  });
  serving = true;

  return {
    ...board,
    damaged: (file, reason) => order({ kind: "damaged", file, reason }),
    rebuild(projection) {
      const { begun, state } = board.beginRebuild(projection);
      if (begun) order({ kind: "rebuild", projection });
      return state;
    },
    async stop() {
      const exit = once(worker, "exit");
      order({ kind: "stop" });
      await exit;
    },
  };
}
