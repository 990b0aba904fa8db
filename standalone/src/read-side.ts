import type { MessagePort } from "node:worker_threads";
import { isLedgerError, NO_REVISION, type Position, type Revision, type Shard } from "ledger-core";
import type { Metrics } from "ledger-core/http";
import { type Logger, type LogLevel, logLevels } from "ledger-core/process";
import { newestStore } from "ledger-core/sql";
import {
  fileOf,
  type KeeperTuning,
  type Lag,
  measureProjections,
  type ProjectionBoard,
  type ProjectionThread,
  type ProjectionTuning,
  pathOf,
  type StallOptions,
  startProjectionThread,
  storeFiles,
} from "projection-workers";
import {
  type QueryRoutesOptions,
  type QueryThreads,
  type QueryTuning,
  type StoreDamage,
  type StoreName,
  startQueryThreads,
} from "query-service";
import type { DataFolder } from "./data-folder.ts";
import { type GoldSettings, goldFolderIn } from "./gold.ts";
import { StartFault } from "./start-fault.ts";

export type ProjectionsTuning = ProjectionTuning &
  Partial<KeeperTuning> &
  Pick<Lag, "behindMax"> &
  Pick<StallOptions, "stalledAfterMs"> & {
    /**
     * The shortest time between two rebuilds for unreadable rows, in ms: if a rebuild did not help, an operator must
     * look. 0 to 86,400,000. Default 600,000.
     */
    readonly rebuildEveryMs?: number;
  };

/** The projection thread and the query threads. */
type ReadSide = {
  readonly projections: ProjectionThread;
  readonly queries: QueryThreads;
  readonly routes: Pick<QueryRoutesOptions, "run" | "positions" | "wake" | "floor">;
  stop(): Promise<void>;
};

const REBUILD_EVERY_MS = 600_000;

/** @throws StartFault folder_damaged when the read models are ahead of the log, LedgerError incompatible */
export async function startReadSide(options: {
  readonly folder: DataFolder;
  readonly logPort: MessagePort;
  readonly shards: number;
  readonly head: (shard: Shard) => Revision;
  readonly logger: Logger;
  /** As the export, which analytics jobs read: queries find there what they add to it. Default: no such tables. */
  readonly exported?: GoldSettings;
  readonly queries?: QueryTuning;
  readonly projections?: ProjectionsTuning;
}): Promise<ReadSide> {
  const { folder, logPort, shards, head, exported, logger } = options;
  const floors = new Map<string, Position[]>();
  const rebuiltAtMs = new Map<StoreName, number>();
  let queries: QueryThreads | undefined;

  const { asideEveryMs, watchMs, rebuildEveryMs = REBUILD_EVERY_MS, ...tuning } = options.projections ?? {};
  const projections = await startProjectionThread({
    ...{ dir: folder.dir, logPort, shards, logLevel: levelOf(logger) },
    keeper: {
      ...(tuning.retryMs && { retryMs: tuning.retryMs }),
      ...(asideEveryMs !== undefined && { asideEveryMs }),
      ...(watchMs !== undefined && { watchMs }),
    },
    tuning,
    // A projection rebuilt from the start is incomplete until it reaches the current end of the log: do not query it.
    onRebuilding: (name, shard) => {
      const others = (floors.get(name) ?? []).filter((position) => position.shard !== shard);
      if (head(shard) > NO_REVISION) floors.set(name, [...others, { shard, revision: head(shard) }]);
    },
    onSetAside: () => queries?.reopen(),
  }).catch((error: unknown) => {
    throw isLedgerError(error, "log_corrupt") ? aheadOfLog(folder, error.message) : error;
  });

  const onDamaged = (damage: StoreDamage) => {
    const { store, code, message } = damage;
    if (code === "store_damaged") return projections.damaged(fileOf(store).name, message);
    const nowMs = performance.now();
    if (nowMs - (rebuiltAtMs.get(store) ?? Number.NEGATIVE_INFINITY) < rebuildEveryMs) return;
    rebuiltAtMs.set(store, nowMs);
    logger.error({ projection: store, reason: message }, "a row cannot be read: the projection is rebuilt");
    projections.rebuild(store);
  };
  const { models, views, cursorKey } = folder;
  const gold = exported && goldFolderIn(folder.dir, exported);
  queries = startQueryThreads({
    ...{ models, views, cursorKey, shards, gold, logger, onDamaged },
    tuning: options.queries ?? {},
  });
  const { run, close } = queries;
  return {
    projections,
    queries,
    routes: {
      run,
      positions: positionsOf(projections, shards),
      wake: projections.wake,
      floor(store) {
        const floor = floors.get(store);
        if (floor?.every(({ shard, revision }) => projections.revision(store, shard) >= revision)) floors.delete(store);
        return floors.get(store) ?? [];
      },
    },
    async stop() {
      await close();
      await projections.stop();
    },
  };
}

export function measureReadSide(metrics: Metrics, { queries }: ReadSide, lag: Lag): void {
  measureProjections(metrics, lag);
  metrics.gauge("query_threads_replaced", "Query threads replaced since the start: a query took too long.", () =>
    queries.replaced(),
  );
}

/** The stores' positions as reported by the projection thread, without reading the stores. */
function positionsOf(board: ProjectionBoard, shards: number): QueryRoutesOptions["positions"] {
  return async (store): Promise<readonly Position[]> =>
    Array.from({ length: shards }, (_, shard) => ({ shard, revision: board.revision(store, shard) })).filter(
      ({ revision }) => revision >= 0,
    );
}

/** The log may be the wrong one: discard nothing without being asked. */
function aheadOfLog({ dir, events }: DataFolder, detail: string): StartFault {
  const files = storeFiles.map((file) => newestStore(pathOf(dir, file))).join(" and ");
  const choice = `restore ${events}, or go on with what it holds and delete ${files}`;
  return new StartFault("folder_damaged", `${detail}; ${choice}: they are rebuilt from the log`);
}

export function levelOf(logger: Logger): LogLevel {
  return logLevels.find((level) => level === logger.level) ?? "warn";
}
