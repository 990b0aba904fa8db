import type { Tracing } from "ledger-core";
import {
  createEdge,
  createMetrics,
  type Identity,
  openOperationsPort,
  type Quotas,
  type RevocationList,
} from "ledger-core/http";
import { type Listening, type Logger, makeClosers, type RunningService } from "ledger-core/process";
import { newestStore, watchStore } from "ledger-core/sql";
import { registerQueryRoutes } from "./register.ts";
import { openStorePositions, watchStores } from "./stores.ts";
import { type QueryTuning, startQueryThreads } from "./threads/threads.ts";

type QueryServiceOptions = {
  /** The first files of read models and of views, which projection-workers write. */
  readonly models: string;
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

/** Serves the queries on their own edge, from files that another process writes. */
export async function startQueryService(options: QueryServiceOptions): Promise<RunningService> {
  const { models, views, logger, host, port, identity, revocations, quotas, tracing, tuning = {} } = options;
  const closers = makeClosers();
  const stores = openStorePositions({ models, views });
  closers.push(stores.close);
  const threads = startQueryThreads({ ...options, tuning });
  closers.push(threads.close);
  const readiness = watchStores(stores.positions);
  closers.push(async () => readiness.stop());
  for (const first of [models, views]) {
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
      run: threads.run,
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
