import type { FastifyInstance, FastifyRequest } from "fastify";
import type { PaymentGraph, Position, Role, Runtime } from "ledger-core";
import { callerOf } from "ledger-core/http";
import { systemRuntime } from "ledger-core/process";
import { prefersCsv } from "./csv.ts";
import { type QueryLimits, queryLimits } from "./limits.ts";
import { formatPositions, readFreshness } from "./positions.ts";
import type { Parameters, Query, QueryRunner, StoreName } from "./query.ts";
import type { QueryRoute } from "./routes/context.ts";
import { createQueryRunner, queryRoutes, type RunnerOptions, storeNames, storePositions } from "./runner.ts";
import { createCrowd, openWaitingRoom, type WaitingRoom, type Wake, whenReached } from "./waiting.ts";

export type QueryDeps = RunnerOptions & {
  readonly graph: Pick<PaymentGraph, "recommend" | "paidAmong" | "positions">;
  /**
   * Calls its listener after a projection has advanced; returns a function that unsubscribes. Without it, stores are
   * polled.
   */
  readonly wake?: Wake;
  /** Clock and timers. Default: the system's. */
  readonly runtime?: Runtime;
};

/** Adds every query of the API to an edge, answered in this thread. */
export function registerQueries(app: FastifyInstance, deps: QueryDeps): void {
  registerQueryRoutes(app, { ...deps, run: createQueryRunner(deps), positions: storePositions(deps) });
}

export type QueryRoutesOptions = Pick<QueryDeps, "shards" | "wake" | "runtime" | "limits"> & {
  /** Answers a query, in this thread or another. */
  readonly run: QueryRunner;
  /** The position of each store. */
  readonly positions: (store: StoreName) => Promise<readonly Position[]>;
  /** Positions that a store must have reached before it is queried, such as during a rebuild. Default: none. */
  readonly floor?: (store: StoreName) => readonly Position[];
};

/**
 * Adds every query of the API to an edge. This thread checks the request, waits for positions, and sends the bytes that
 * `run` returns.
 */
export function registerQueryRoutes(app: FastifyInstance, options: QueryRoutesOptions): void {
  const { run, positions, shards, wake, runtime = systemRuntime } = options;
  const limits: QueryLimits = { ...queryLimits, ...options.limits };
  const crowd = createCrowd(limits);
  const rooms = new Map<StoreName, WaitingRoom>();
  for (const store of storeNames) {
    const at = () => positions(store);
    rooms.set(store, openWaitingRoom({ positions: at, wake, crowd, limits, runtime }));
  }
  const { floor = () => [] } = options;
  for (const route of queryRoutes) {
    const { url, schema, stores, writesCsv } = route;
    app.get(url, { schema, config: { roles: readers } }, async (request: QueryRequest, reply) => {
      const freshness = readFreshness(request.headers, { shards, runtime, limits });
      const required = [...freshness.required, ...stores.flatMap(floor)];
      const query = queryOf(route, request, required);
      const {
        positions: served,
        body,
        servedBy,
        headers = json,
      } = await whenReached({ run, rooms, runtime, limits }, query, freshness);
      // The caller's token may have been revoked while the query waited.
      const readmitted = app.readmit(request);
      if (readmitted !== undefined) await readmitted;
      reply.header("ledger-position", formatPositions(served));
      if (servedBy) reply.header("ledger-served-by", servedBy);
      if (writesCsv) reply.header("vary", "Accept");
      return reply.headers(headers).send(Buffer.from(body.buffer, 0, body.byteLength));
    });
  }
}

/** Every role but platform, which sees no tenant's data. */
const readers: readonly Role[] = ["operator", "service", "consumer", "merchant", "auditor"];

type QueryRequest = FastifyRequest<{ Params: { id?: string }; Querystring: Parameters }>;

const json = { "content-type": "application/json; charset=utf-8" } as const;

function queryOf({ name, writesCsv }: QueryRoute, request: QueryRequest, required: readonly Position[]): Query {
  return {
    route: name,
    caller: callerOf(request),
    path: request.url.split("?", 1)[0] ?? "",
    id: request.params.id ?? "",
    parameters: { ...request.query },
    required,
    ...(writesCsv && { csv: prefersCsv(request.headers.accept) }),
  };
}
