import type { Tracing } from "ledger-core";
import {
  createEdge,
  createMetrics,
  type Identity,
  openOperationsPort,
  type Quotas,
  type RevocationList,
} from "ledger-core/http";
import {
  type Listening,
  type Logger,
  type MysqlTarget,
  makeClosers,
  type ReadModelReplicas,
  type RunningService,
} from "ledger-core/process";
import { newestStore, watchStore } from "ledger-core/sql";
import type { MysqlReplicas } from "./adapters/mysql/replicas.ts";
import type { QueryRunner } from "./query.ts";
import { registerQueryRoutes } from "./register.ts";
import { createQueryRunner, queryRoutes } from "./runner.ts";
import { openStorePositions, watchStores } from "./stores.ts";
import { asyncLaneLimits, createAsyncLanes } from "./threads/async-lanes.ts";
import { type QueryTuning, startQueryThreads } from "./threads/threads.ts";

type QueryServiceOptions = {
  /** The read models, which projection-workers write: their first file, or replicas. */
  readonly readModel: ReadModelReplicas;
  /** The first file of views, which projection-workers write. */
  readonly views: string;
  readonly shards: number;
  readonly cursorKey: Uint8Array;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Where /livez, /readyz and /metrics are served. */
  readonly operations: Listening;
  readonly identity: Identity;
  /** Closed by whoever opened it. */
  readonly revocations: RevocationList;
  /** Closed by whoever opened them. */
  readonly quotas: Quotas;
  readonly logger: Logger;
  /** Default: nothing is traced. */
  readonly tracing?: Tracing;
  /** The limits of queries and of their threads; each field states its default. */
  readonly tuning?: QueryTuning;
};

/** How often it checks whether a file was replaced. */
const WATCH_EVERY_MS = 1000;
const API_VERSION = "1";

/**
 * Serves the queries on their own edge, from stores that other processes write.
 * @throws LedgerError incompatible when the tables on a server are an older or a newer version's
 */
export async function startQueryService(options: QueryServiceOptions): Promise<RunningService> {
  const { readModel, views, logger, host, port, identity, revocations, quotas, tracing, tuning = {} } = options;
  const closers = makeClosers();
  const replicas = readModel.kind === "mysql" ? await openReplicas(readModel.replicas, options) : undefined;
  if (replicas) closers.push(replicas.close);
  const files = readModel.kind === "sqlite" ? [readModel.file, views] : [views];
  // With replicas, threads answer only what the views hold.
  const models = readModel.kind === "sqlite" ? readModel.file : views;
  const stores = openStorePositions({ models: replicas?.set ?? models, views });
  closers.push(stores.close);
  const threads = startQueryThreads({ ...options, models, tuning });
  closers.push(threads.close);
  const readiness = watchStores(stores.positions);
  closers.push(async () => readiness.stop());
  for (const first of files) {
    const end = watchReplaced(first, () => {
      logger.warn({ store: first }, "a file of read models is another one now: it is opened again");
      threads.reopen();
      void stores.reopen();
    });
    closers.push(async () => end());
  }
  const checks = [...readiness.checks, ...identity.readiness, revocations.readiness];
  const metrics = createMetrics();
  metrics.gauge("query_threads_replaced", "Query threads replaced since the start: a query took too long.", () =>
    threads.replaced(),
  );
  try {
    const operations = await openOperationsPort({ ...options, metrics, readiness: checks });
    closers.push(operations.close);
    const metricsAccess = "none";
    const app = await createEdge({
      ...{
        logger,
        authenticate: identity.authenticate,
        revocations,
        quotas,
        metrics,
        metricsAccess,
        readiness: checks,
        referenceVersion: API_VERSION,
      },
      ...(tracing && { traces: { tracing } }),
    });
    closers.push(async () => {
      await app.drain();
      await app.close();
    });
    registerQueryRoutes(app, {
      run: replicas ? besideThreads(replicas.run, threads.run) : threads.run,
      positions: stores.positions,
      shards: options.shards,
      ...(tuning.limits && { limits: tuning.limits }),
    });
    return { url: await app.listen({ host, port }), operations: operations.url, stop: closers.close };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

type OpenedReplicas = MysqlReplicas & { readonly run: QueryRunner };

/** Queries of replicas wait for a server, and so need no thread. */
async function openReplicas(targets: readonly MysqlTarget[], options: QueryServiceOptions): Promise<OpenedReplicas> {
  const { logger, shards, cursorKey, tuning = {} } = options;
  const { openMysqlReplicas } = await import("./adapters/mysql/replicas.ts");
  const { quick, list } = asyncLaneLimits.concurrent;
  // One for the polls of its position.
  const opened = await openMysqlReplicas(targets, quick + list + 1, logger);
  const run = createQueryRunner({
    ...{ models: opened.set, shards, cursorKey },
    ...(tuning.limits && { limits: tuning.limits }),
    graph: { recommend: () => Promise.reject(new RangeError("recommendations are answered by threads")) },
  });
  return { ...opened, run: createAsyncLanes(run, { ...asyncLaneLimits, ...tuning.threads }) };
}

/** Sends the queries of files to threads, and all others to `replicas`. */
function besideThreads(replicas: QueryRunner, threads: QueryRunner): QueryRunner {
  const inFiles = new Set(queryRoutes.filter(({ stores }) => stores.includes("graph")).map(({ name }) => name));
  return (query) => (inFiles.has(query.route) ? threads(query) : replicas(query));
}

/** Calls back whenever a store's file is deleted or replaced. Returns a function that stops watching. */
function watchReplaced(first: string, onReplaced: () => void): () => void {
  let end: () => void;
  const watch = () => {
    end = watchStore({ first, file: newestStore(first), everyMs: WATCH_EVERY_MS }, () => {
      onReplaced();
      watch();
    });
  };
  watch();
  return () => end();
}
