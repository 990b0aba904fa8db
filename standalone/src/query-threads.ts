import { Worker } from "node:worker_threads";
import type { Position } from "ledger-core";
import type { Logger } from "ledger-core/process";
import {
  openQueryThreads,
  type QueryLimits,
  type QueryRoutesOptions,
  type QueryThreads,
  type QueryThreadsOptions,
  type StoreDamage,
} from "query-service";
import type { DataFolder } from "./data-folder.ts";
import type { ProjectionThread } from "./projection-thread.ts";
import type { QueryThreadData } from "./query-thread.ts";
import type { RebuildName } from "./rebuild-state.ts";

/** How queries are answered; each field states its default. */
export type QueryTuning = {
  readonly limits?: Partial<QueryLimits>;
  readonly threads?: NonNullable<QueryThreadsOptions["limits"]>;
};

/** A page of 200 rows needs a fraction of it. */
const HEAP_MIB = 256;

export function startQueryThreads(options: {
  readonly folder: Pick<DataFolder, "models" | "views" | "cursorKey">;
  readonly shards: number;
  readonly logger: Logger;
  readonly tuning: QueryTuning;
  readonly onDamaged?: (damage: StoreDamage) => void;
}): QueryThreads {
  const { folder, shards, logger, tuning, onDamaged } = options;
  const { models, views, cursorKey } = folder;
  const data: QueryThreadData = { models, views, shards, cursorKey, limits: tuning.limits ?? {} };
  return openQueryThreads({
    start: () =>
      new Worker(new URL("./query-thread.ts", import.meta.url), {
        workerData: data,
        resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
      }),
    logger,
    ...(tuning.threads && { limits: tuning.threads }),
    ...(onDamaged && { onDamaged }),
  });
}

/** How far each store has come, as the thread of projections tells it: no store is asked. */
export function positionsOf(projections: ProjectionThread, shards: number): QueryRoutesOptions["positions"] {
  const of = (name: RebuildName) => async (): Promise<readonly Position[]> =>
    Array.from({ length: shards }, (_, shard) => ({ shard, revision: projections.revision(name, shard) })).filter(
      ({ revision }) => revision >= 0,
    );
  return { models: of("models"), session: of("session"), graph: of("graph") };
}
