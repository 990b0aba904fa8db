import type { GoldTarget } from "analytics-export/gold-settings";
import type { PaymentGraph, SessionView, Tracing } from "ledger-core";
import {
  apiCheck,
  type CallerLimits,
  createEdge,
  createMetrics,
  type Identity,
  openOperationsPort,
} from "ledger-core/http";
import {
  type GraphTarget,
  type GremlinTarget,
  type Listening,
  type Logger,
  type MysqlTarget,
  makeClosers,
  type ReadModelReplicas,
  type RunningService,
} from "ledger-core/process";
import { newestStore, watchStore } from "ledger-core/sql";
import type { MysqlReplicas } from "./adapters/mysql/replicas.ts";
import { goldFolderOf, openGold } from "./gold.ts";
import type { QueryRunner, StoreName } from "./query.ts";
import { registerQueryRoutes } from "./register.ts";
import type { QueryRoute } from "./routes/context.ts";
import { createQueryRunner, queryRoutes } from "./runner.ts";
import { withSessionView } from "./session-view.ts";
import { openStores, watchStores } from "./stores.ts";
import { asyncLaneLimits, createAsyncLanes } from "./threads/async-lanes.ts";
import { type QueryTuning, startQueryThreads } from "./threads/threads.ts";

type QueryServiceOptions = {
  /** The read models, which projection-workers write: their first file, or replicas. */
  readonly readModel: ReadModelReplicas;
  /** The payment graph, which projection-workers write: the first file of views, or a server. */
  readonly graph: GraphTarget;
  /** The tables of analytics jobs, which reports are read from. Default: none. */
  readonly gold?: GoldTarget;
  readonly shards: number;
  readonly cursorKey: Uint8Array;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Where /livez, /readyz and /metrics are served. */
  readonly operations: Listening;
  readonly identity: Identity;
  /** Closed by whoever opened them. */
  readonly callerLimits: CallerLimits;
  readonly logger: Logger;
  /** Default: nothing is traced. */
  readonly tracing?: Tracing;
  /** Session views in Redis, if they are used; closed with the service. */
  readonly sessions?: SessionView | undefined;
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
  const { readModel, graph, logger, host, port, identity, callerLimits, tracing, tuning = {} } = options;
  const { revocations, quotas } = callerLimits;
  const closers = makeClosers();
  const replicas = readModel.kind === "mysql" ? await openReplicas(readModel.replicas, options) : undefined;
  if (replicas) closers.push(replicas.close);
  const server = graph.kind === "gremlin" ? await openGraph(graph) : undefined;
  if (server) closers.push(server.close);
  const files = [readModel, graph].flatMap((target) => (target.kind === "sqlite" ? target.file : []));
  const stores = openStores({
    models: replicas?.set ?? firstOf(readModel),
    graph: server ?? firstOf(graph),
  });
  closers.push(stores.close);
  const inFiles = { models: firstOf(readModel), views: firstOf(graph) };
  const gold = openGold(options.gold ?? { kind: "none" });
  if (gold) closers.push(gold.close);
  const threads =
    files.length > 0
      ? startQueryThreads({ ...options, ...inFiles, gold: options.gold && goldFolderOf(options.gold), tuning })
      : undefined;
  if (threads) closers.push(threads.close);
  const readiness = watchStores(stores.positions);
  closers.push(async () => readiness.stop());
  const reopen = () => {
    threads?.reopen();
    void stores.reopen();
  };
  for (const first of files) closers.push(reopenReplaced(first, reopen, logger));
  const run = besideThreads(options, createQueryRunner({ ...options, ...tuning, ...stores, gold }), threads?.run);
  const sessions = withSessionView(run, options.sessions, logger);
  closers.push(sessions.close);
  const checks = [...readiness.checks, ...sessions.checks, ...identity.readiness, revocations.readiness];
  const metrics = createMetrics();
  const replaced = "Query threads replaced since the start: a query took too long.";
  metrics.gauge("query_threads_replaced", replaced, () => threads?.replaced() ?? 0);
  sessions.measure(metrics);
  const api = apiCheck();
  try {
    const operations = await openOperationsPort({ ...options, metrics, readiness: [...checks, api] });
    closers.push(operations.close);
    const metricsAccess = "none";
    const app = await createEdge({
      ...{ logger, authenticate: identity.authenticate, revocations, quotas, metrics, metricsAccess },
      ...{ readiness: checks, referenceVersion: API_VERSION },
      ...(tracing && { traces: { tracing } }),
    });
    closers.push(async () => {
      await app.drain();
      await app.close();
    });
    registerQueryRoutes(app, {
      run: sessions.run,
      positions: stores.positions,
      shards: options.shards,
      ...(tuning.limits && { limits: tuning.limits }),
    });
    const url = await app.listen({ host, port });
    api.opened();
    return { url, operations: operations.url, stop: closers.close };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

/** Opens a file again when it was replaced. @returns what ends that */
function reopenReplaced(first: string, reopen: () => void, logger: Logger): () => Promise<void> {
  const end = watchReplaced(first, () => {
    logger.warn({ store: first }, "a file of read models is another one now: it is opened again");
    reopen();
  });
  return async () => end();
}

/** The first file of a store; none of one on a server, which no thread opens. */
function firstOf(target: ReadModelReplicas | GraphTarget): string {
  return target.kind === "sqlite" ? target.file : "";
}

function openReplicas(targets: readonly MysqlTarget[], { logger }: QueryServiceOptions): Promise<MysqlReplicas> {
  const { quick, list } = asyncLaneLimits.concurrent;
  // One for the polls of its position.
  return import("./adapters/mysql/replicas.ts").then((mysql) =>
    mysql.openMysqlReplicas(targets, quick + list + 1, logger),
  );
}

/** The driver is loaded only here. */
async function openGraph(target: GremlinTarget): Promise<PaymentGraph> {
  const { openGremlin } = await import("ledger-core/gremlin");
  const { openGremlinGraph } = await import("./adapters/gremlin/payment-graph.ts");
  return openGremlinGraph(openGremlin(target));
}

/** Queries of files run in threads; those that wait for a server need none. */
function besideThreads(
  { readModel, graph, gold, tuning = {} }: QueryServiceOptions,
  here: QueryRunner,
  threads: QueryRunner | undefined,
): QueryRunner {
  const onServer = (store: StoreName) => (store === "graph" ? graph : readModel).kind !== "sqlite";
  const waits = ({ stores, readsGold }: QueryRoute) =>
    stores.some(onServer) || (readsGold && gold?.kind === "databricks");
  const waiting = new Set(queryRoutes.filter(waits).map(({ name }) => name));
  const lanes = createAsyncLanes(here, { ...asyncLaneLimits, ...tuning.threads });
  return (query) => (threads && !waiting.has(query.route) ? threads(query) : lanes(query));
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
