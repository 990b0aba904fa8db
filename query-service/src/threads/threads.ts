import { Worker } from "node:worker_threads";
import { assert } from "ledger-core";
import type { Logger } from "ledger-core/process";
import { StoreDamage } from "../damage.ts";
import type { QueryLimits } from "../limits.ts";
import type { QueryRunner } from "../query.ts";
import { type LaneName, lanes } from "../routes/context.ts";
import { queryRoutes } from "../runner.ts";
import { type LaneLimits, laneLimits, QueryLane } from "./lane.ts";
import type { QueryThreadData } from "./query-thread.ts";

type QueryThreadsOptions = {
  /** Starts the thread of a lane, which calls `serveQueryThread` on its parent's port. */
  readonly start: (lane: LaneName) => Worker;
  readonly logger: Logger;
  readonly limits?: Partial<LaneLimits>;
  /** A query met a file or row that cannot be read. */
  readonly onDamaged?: (damage: StoreDamage) => void;
};

export type QueryThreads = {
  readonly run: QueryRunner;
  /** How many threads were replaced since the start. */
  replaced(): number;
  /** Makes every thread reopen the files after they were replaced. */
  reopen(): void;
  close(): Promise<void>;
};

/**
 * Answers queries in two lanes, one for reads by key and one for lists; neither blocks this thread or the other lane.
 */
export function openQueryThreads(options: QueryThreadsOptions): QueryThreads {
  const { start, logger, onDamaged } = options;
  const limits = { ...laneLimits, ...options.limits };
  let replaced = 0;
  const open = (name: LaneName): QueryLane =>
    new QueryLane({
      name,
      start: () => start(name),
      logger,
      limits,
      onFault: (error) => {
        if (error instanceof StoreDamage) onDamaged?.(error);
      },
      onReplaced: () => replaced++,
    });
  const opened: Readonly<Record<LaneName, QueryLane>> = { quick: open("quick"), list: open("list") };
  const all = lanes.map((lane) => opened[lane]);
  const laneOf = new Map(queryRoutes.map(({ name, lane }) => [name, opened[lane]]));
  return {
    run(query) {
      const lane = laneOf.get(query.route);
      assert(lane, `${query.route} is a query`);
      return lane.run(query);
    },
    replaced: () => replaced,
    reopen() {
      for (const lane of all) lane.reopen();
    },
    async close() {
      await Promise.all(all.map((lane) => lane.close()));
    },
  };
}

/** How queries are answered; each field states its default. */
export type QueryTuning = {
  readonly limits?: Partial<QueryLimits>;
  readonly threads?: Partial<LaneLimits>;
};

type FileThreadsOptions = Omit<QueryThreadData, "limits"> & {
  readonly logger: Logger;
  readonly tuning: QueryTuning;
  readonly onDamaged?: (damage: StoreDamage) => void;
};

/** A page of 200 rows needs a fraction of this. */
const HEAP_MIB = 256;

/** Threads that answer queries from the files of read models, each over connections of its own. */
export function startQueryThreads(options: FileThreadsOptions): QueryThreads {
  const { models, views, shards, cursorKey, gold, logger, tuning, onDamaged } = options;
  const workerData: QueryThreadData = { models, views, shards, cursorKey, gold, limits: tuning.limits ?? {} };
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
