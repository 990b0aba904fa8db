import type { Knex } from "knex";
import { assert, type GoldTables, type Micros, type PaymentGraph, type Position } from "ledger-core";
import { type Cursors, signedCursors } from "./cursors.ts";
import { readingOf } from "./damage.ts";
import { type QueryLimits, queryLimits } from "./limits.ts";
import { sessionOfModels } from "./queries/session.ts";
import type { QueryRunner, StoreName } from "./query.ts";
import { createModelReader } from "./reading.ts";
import { createReplicaSet, type ReplicaSet } from "./replicas.ts";
import { accountRoutes } from "./routes/accounts.ts";
import { balanceRoutes } from "./routes/balance.ts";
import type { QueryContext, QueryRoute } from "./routes/context.ts";
import { entryRoutes } from "./routes/entries.ts";
import { movementRoutes } from "./routes/movements.ts";
import { paymentRoutes } from "./routes/payments.ts";
import { recommendationRoutes } from "./routes/recommendations.ts";
import { reportRoutes } from "./routes/reports.ts";
import { sessionRoutes } from "./routes/session.ts";

/** Every query of the API. */
export const queryRoutes: readonly QueryRoute[] = [
  ...accountRoutes,
  ...entryRoutes,
  ...balanceRoutes,
  ...paymentRoutes,
  ...movementRoutes,
  ...sessionRoutes,
  ...recommendationRoutes,
  ...reportRoutes,
];

/** The stores that queries read. */
type QueryStores = {
  /**
   * The models; SELECT rights are enough. A function may return a different connection for each query; a set of
   * replicas reads from one that is far enough.
   */
  readonly models: Knex | (() => Knex) | ReplicaSet;
  readonly graph: Pick<PaymentGraph, "recommend" | "paidAmong">;
  /** The tables of analytics jobs. Default: none; reports are then not available. */
  readonly gold?: GoldTables | undefined;
};

export type RunnerOptions = QueryStores & {
  /** The number of shards; positions of any other shard are refused. */
  readonly shards: number;
  /** Signs cursors: 32 bytes, the same in every query process. A new key only invalidates existing cursors. */
  readonly cursorKey: Uint8Array;
  /** Default: signed with `cursorKey`. */
  readonly cursors?: Cursors;
  readonly clock?: () => Micros;
  readonly limits?: Partial<QueryLimits>;
};

/** Answers queries in this thread. */
export function createQueryRunner(options: RunnerOptions): QueryRunner {
  const { graph, gold, shards, clock = endOfThisMillisecond } = options;
  const limits = { ...queryLimits, ...options.limits };
  const replicas = replicasOf(options.models);
  const projection = (name: StoreName) => createModelReader(replicas, limits, name);
  const models = projection("models");
  const context: QueryContext = {
    ...{ models, projection },
    session: sessionOfModels(models),
    graph: {
      recommend: (...whom) => readingOf("graph", () => graph.recommend(...whom)),
      paidAmong: (...whom) => readingOf("graph", () => graph.paidAmong(...whom)),
    },
    gold,
    shards,
    cursors: options.cursors ?? signedCursors(options.cursorKey),
    clock,
    limits,
  };
  return async (query) => {
    const route = queryRoutes.find(({ name }) => name === query.route);
    assert(route, `${query.route} is a query`);
    return route.answer(query, context);
  };
}

/** The stores that any query reads. */
export const storeNames: ReadonlySet<StoreName> = new Set(queryRoutes.flatMap(({ stores }) => stores));

/** Reads the positions of a store from the store itself. */
export function storePositions({
  models,
  graph,
}: Pick<QueryStores, "models"> & {
  readonly graph: Pick<PaymentGraph, "positions">;
}): (store: StoreName) => Promise<readonly Position[]> {
  const replicas = replicasOf(models);
  return (store) => {
    if (store === "graph") return graph.positions();
    return createModelReader(replicas, queryLimits, store).positions();
  };
}

function replicasOf(models: QueryStores["models"]): ReplicaSet {
  if ("states" in models) return models;
  return createReplicaSet([{ name: "models", db: "transaction" in models ? () => models : models }]);
}

/**
 * The system clock has millisecond resolution and events have microseconds: round up, so that no booked event is ahead
 * of now.
 */
function endOfThisMillisecond(): Micros {
  return Date.now() * 1000 + 999;
}
