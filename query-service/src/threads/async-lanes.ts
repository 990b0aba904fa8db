import { assert, callerKey } from "ledger-core";
import { Problem } from "ledger-core/http/problems";
import type { Query, QueryOutcome, QueryRunner } from "../query.ts";
import { type LaneName, lanes } from "../routes/context.ts";
import { queryRoutes } from "../runner.ts";
import { createFairQueue } from "./fair-queue.ts";
import { type LaneLimits, laneLimits } from "./lane.ts";

/** Bounds of the lanes of queries that a server answers. */
export type AsyncLaneLimits = Pick<LaneLimits, "queryMs" | "queuedPerCaller" | "queuedMax"> & {
  /** Queries under way at a time, by lane. 1 to 256 each. Default 8 each. */
  readonly concurrent: Readonly<Record<LaneName, number>>;
};

export const asyncLaneLimits: AsyncLaneLimits = { ...laneLimits, concurrent: { quick: 8, list: 8 } };

const later = { headers: { "retry-after": "1" } };

/**
 * Bounds queries that wait for a server instead of keeping a thread busy: two lanes, so that lists leave connections to
 * reads by key, and in each lane the callers take turns.
 */
export function createAsyncLanes(run: QueryRunner, limits: AsyncLaneLimits): QueryRunner {
  const opened: Readonly<Record<LaneName, QueryRunner>> = {
    quick: createLane(run, limits, limits.concurrent.quick),
    list: createLane(run, limits, limits.concurrent.list),
  };
  const laneOf = new Map(queryRoutes.map(({ name, lane }) => [name, opened[lane]]));
  assert(lanes.length === Object.keys(opened).length, "every lane is opened");
  return (query) => {
    const lane = laneOf.get(query.route);
    assert(lane, `${query.route} is a query`);
    return lane(query);
  };
}

type Job = { readonly query: Query; readonly done: PromiseWithResolvers<QueryOutcome> };

function createLane(run: QueryRunner, limits: AsyncLaneLimits, concurrent: number): QueryRunner {
  const queue = createFairQueue<Job>();
  let underWay = 0;

  async function work({ query, done }: Job): Promise<void> {
    underWay++;
    // The query keeps its place in the lane until its server or the connection gives it up.
    const timer = setTimeout(() => done.reject(tooLong()), limits.queryMs);
    try {
      done.resolve(await run(query));
    } catch (error) {
      done.reject(error);
    } finally {
      clearTimeout(timer);
      underWay--;
      const next = queue.next();
      if (next) void work(next);
    }
  }

  return (query) => {
    const caller = callerKey(query.caller);
    const job: Job = { query, done: Promise.withResolvers() };
    if (underWay < concurrent && queue.size === 0) {
      void work(job);
    } else if (queue.of(caller) >= limits.queuedPerCaller) {
      job.done.reject(new Problem("too_many_requests", "Too many of the caller's queries are waiting.", later));
    } else {
      queue.add(caller, job);
      if (queue.size > limits.queuedMax) queue.dropLongest()?.done.reject(crowded());
    }
    return job.done.promise;
  };
}

function tooLong(): Problem {
  return new Problem("store_unavailable", "The query took longer than it may.", later);
}

function crowded(): Problem {
  return new Problem("overloaded", "Too many queries are waiting.", later);
}
