import { Worker } from "node:worker_threads";
import type { Logger } from "ledger-core/process";
import type { StoreDamage } from "../damage.ts";
import type { QueryLimits } from "../limits.ts";
import type { LaneLimits } from "./lane.ts";
import type { QueryThreadData } from "./query-thread.ts";
import { openQueryThreads, type QueryThreads } from "./threads.ts";

/** How queries are answered; each field states its default. */
export type QueryTuning = {
  readonly limits?: Partial<QueryLimits>;
  readonly threads?: Partial<LaneLimits>;
};

export type FileThreadsOptions = Omit<QueryThreadData, "limits"> & {
  readonly logger: Logger;
  readonly tuning: QueryTuning;
  readonly onDamaged?: (damage: StoreDamage) => void;
};

/** A page of 200 rows needs a fraction of it. */
const HEAP_MIB = 256;

/** Threads that answer queries from the files of read models, each over connections of its own. */
export function startQueryThreads(options: FileThreadsOptions): QueryThreads {
  const { models, views, shards, cursorKey, logger, tuning, onDamaged } = options;
  const workerData: QueryThreadData = { models, views, shards, cursorKey, limits: tuning.limits ?? {} };
  return openQueryThreads({
    start: () =>
      new Worker(new URL("./query-thread.ts", import.meta.url), {
        workerData,
        resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
      }),
    logger,
    ...(tuning.threads && { limits: tuning.threads }),
    ...(onDamaged && { onDamaged }),
  });
}
