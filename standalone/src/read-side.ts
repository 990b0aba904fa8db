import type { MessagePort } from "node:worker_threads";
import { NO_REVISION, type Position, type Revision, type Shard } from "ledger-core";
import type { Metrics } from "ledger-core/http";
import { type Logger, type LogLevel, logLevels } from "ledger-core/process";
import type { ProjectionTuning } from "projection-workers";
import type { QueryRoutesOptions, QueryThreads, StoreDamage, StoreName } from "query-service";
import type { DataFolder } from "./data-folder.ts";
import type { StoreFile } from "./messages.ts";
import { type ProjectionThread, startProjectionThread } from "./projection-thread.ts";
import { positionsOf, type QueryTuning, startQueryThreads } from "./query-threads.ts";
import type { Lag } from "./readiness.ts";
import { rebuildNames } from "./rebuild-state.ts";
import type { KeeperTuning } from "./store-keeper.ts";

export type ProjectionsTuning = ProjectionTuning &
  Partial<KeeperTuning> &
  Pick<Lag, "behindMax"> & {
    /**
     * How long after a rebuild for an unreadable row the next such row asks for none, in ms: a rebuild that did not help is somebody's to
     * look at. 0 to 86,400,000. Default 600,000.
     */
    readonly rebuildEveryMs?: number;
  };

/** The threads that project and that answer queries. */
export type ReadSide = {
  readonly projections: ProjectionThread;
  readonly queries: QueryThreads;
  readonly routes: Pick<QueryRoutesOptions, "run" | "positions" | "wake" | "floor">;
  stop(): Promise<void>;
};

const REBUILD_EVERY_MS = 600_000;

const fileOf: Readonly<Record<StoreName, StoreFile>> = { models: "models", session: "views", graph: "views" };

export async function startReadSide(options: {
  readonly folder: DataFolder;
  readonly logPort: MessagePort;
  readonly shards: number;
  readonly head: (shard: Shard) => Revision;
  readonly logger: Logger;
  readonly queries?: QueryTuning;
  readonly projections?: ProjectionsTuning;
}): Promise<ReadSide> {
  const { folder, logPort, shards, head, logger } = options;
  const floors = new Map<StoreName, Position[]>();
  const rebuiltAtMs = new Map<StoreName, number>();
  let queries: QueryThreads | undefined;

  const { retryMs, batchMax, asideEveryMs, watchMs, rebuildEveryMs = REBUILD_EVERY_MS } = options.projections ?? {};
  const projections = await startProjectionThread({
    ...{ folder, logPort, shards, logLevel: levelOf(logger) },
    keeper: {
      ...(retryMs && { retryMs }),
      ...(asideEveryMs !== undefined && { asideEveryMs }),
      ...(watchMs !== undefined && { watchMs }),
    },
    tuning: { ...(retryMs && { retryMs }), ...(batchMax !== undefined && { batchMax }) },
    // What is built anew knows only a part until it has come to where the log ends now: it is not asked before.
    onBuildingAnew: (name, shard) => {
      const others = (floors.get(name) ?? []).filter((position) => position.shard !== shard);
      if (head(shard) > NO_REVISION) floors.set(name, [...others, { shard, revision: head(shard) }]);
    },
    onSetAside: () => queries?.reopen(),
  });

  const onDamaged = (damage: StoreDamage) => {
    const { store, code, message } = damage;
    if (code === "store_damaged") return projections.damaged(fileOf[store], message);
    const nowMs = performance.now();
    if (nowMs - (rebuiltAtMs.get(store) ?? Number.NEGATIVE_INFINITY) < rebuildEveryMs) return;
    rebuiltAtMs.set(store, nowMs);
    logger.error({ projection: store, reason: message }, "a row cannot be read: the projection is built anew");
    projections.rebuild(store);
  };
  queries = startQueryThreads({ folder, shards, logger, tuning: options.queries ?? {}, onDamaged });
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

export function measureReadSide(metrics: Metrics, { projections, queries }: ReadSide): void {
  for (const name of rebuildNames) {
    metrics.gauge(`projection_${name}_revision`, `Revision that ${name} has come to.`, () =>
      projections.revision(name, 0),
    );
  }
  for (const store of ["models", "views"] as const) {
    metrics.gauge(`read_models_${store}_set_aside`, `Files of ${store} that could not be read since the start.`, () =>
      projections.setAside(store),
    );
  }
  metrics.gauge("query_threads_replaced", "Query threads replaced since the start: a query took too long.", () =>
    queries.replaced(),
  );
}

function levelOf(logger: Logger): LogLevel {
  return logLevels.find((level) => level === logger.level) ?? "warn";
}
