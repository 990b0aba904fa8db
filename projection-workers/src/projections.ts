import type { Knex } from "knex";
import type { PaymentGraph, Revision, SessionView, Shard } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import type { Logger } from "ledger-core/process";
import { type ConsumerOptions, type ProjectionStatus, runProjection } from "./consumer/consumer.ts";
import { graphProjection } from "./projections/graph/projection.ts";
import { modelsProjection } from "./projections/models/projection.ts";
import { modelsTarget } from "./projections/models/target.ts";
import { sessionProjection } from "./projections/session/projection.ts";

export type ProjectionsOptions = {
  readonly log: EventLog;
  readonly shards: readonly Shard[];
  readonly models: Knex;
  readonly session: SessionView;
  readonly graph: PaymentGraph;
  readonly logger: Logger;
  readonly onProgress?: (projection: string, shard: Shard, revision: Revision) => void;
  readonly onStatus?: (status: ProjectionStatus) => void;
  readonly tuning?: ProjectionTuning;
};

/** How projections batch and try again; each field states its default. */
export type ProjectionTuning = Pick<ConsumerOptions<unknown>, "batchMax" | "retryMs">;

export type Projections = {
  /** One status for each projection of each shard. */
  status(): readonly ProjectionStatus[];
  /** Lets each finish the batch under way; the stores stay open. */
  stop(): Promise<void>;
};

/** Runs every projection of every shard, each by itself: one that halts or waits holds up no other. */
export function startProjections(options: ProjectionsOptions): Projections {
  const { shards, models, session, graph } = options;
  const abort = new AbortController();
  const common = { ...options, ...options.tuning, signal: abort.signal };
  const modelTarget = modelsTarget(models);
  const runs = shards.flatMap((shard) => [
    runProjection({ ...common, shard, projection: modelsProjection, target: modelTarget }),
    runProjection({ ...common, shard, projection: sessionProjection, target: session }),
    runProjection({ ...common, shard, projection: graphProjection, target: graph }),
  ]);
  return {
    status: () => runs.map((run) => run.status()),
    async stop() {
      abort.abort();
      await Promise.all(runs.map((run) => run.finished));
    },
  };
}
