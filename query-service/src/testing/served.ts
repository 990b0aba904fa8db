import type { FastifyInstance } from "fastify";
import {
  type AccountId,
  type Caller,
  type GoldColumn,
  type GoldTables,
  goldTables,
  type Micros,
  NO_REVISION,
  type PaymentGraph,
  type Position,
  type Recommendation,
  type Revision,
  type SessionView,
} from "ledger-core";
import { createEdge } from "ledger-core/http";
import { createLogger } from "ledger-core/process";
import type { QueryLimits } from "../limits.ts";
import { registerQueryRoutes } from "../register.ts";
import { createQueryRunner, type RunnerOptions, storePositions } from "../runner.ts";
import { withSessionView } from "../session-view.ts";
import type { Wake } from "../waiting.ts";

export type ServedAnswer = {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
};

export type Rows = readonly Readonly<Record<string, unknown>>[];

/** The queries on an edge, called as any caller that a test names. */
export type TestQueries = {
  readonly app: FastifyInstance;
  get(caller: Caller, url: string, headers?: Readonly<Record<string, string>>): Promise<ServedAnswer>;
  /** The rows of a list that fits on one page. */
  list(caller: Caller, url: string): Promise<Rows>;
  /** The pages of a list, one after another; `url` has a query string. */
  pages(caller: Caller, url: string): AsyncIterable<Rows>;
};

export type ServedOptions = {
  readonly shards?: number;
  readonly clock?: () => Micros;
  readonly wake?: Wake;
  readonly graph?: PaymentGraph;
  /** Default: none. */
  readonly gold?: GoldTables;
  readonly cursorKey?: Uint8Array;
  readonly limits?: Partial<QueryLimits>;
  /** Session views in Redis. Default: none, sessions come from the models. */
  readonly view?: SessionView;
};

/** Every page of a list; `url` has a query string. */
export async function allPages(queries: TestQueries, caller: Caller, url: string): Promise<Rows[]> {
  const pages: Rows[] = [];
  for await (const rows of queries.pages(caller, url)) pages.push(rows);
  return pages;
}

/** Names a caller without a signature; the edge's own tests cover tokens. */
function bearer(caller: Caller): string {
  return `Bearer ${Buffer.from(JSON.stringify(caller)).toString("base64url")}`;
}

export async function serveQueries(
  models: { readonly reader: RunnerOptions["models"] },
  options: ServedOptions = {},
): Promise<TestQueries> {
  const { shards = 1, graph = graphStub(), view, ...rest } = options;
  const logger = createLogger({ level: "silent", name: "test" });
  const app = await createEdge({
    logger,
    authenticate: (token) => JSON.parse(Buffer.from(token, "base64url").toString("utf8")),
    referenceVersion: "1.0.0",
  });
  const deps = { models: models.reader, graph, shards, cursorKey: new Uint8Array(32).fill(7), ...rest };
  const run = createQueryRunner(deps);
  registerQueryRoutes(app, {
    ...deps,
    run: withSessionView(run, view, logger).run,
    positions: storePositions(deps),
  });
  const get = async (
    caller: Caller,
    url: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<ServedAnswer> => {
    const response = await app.inject({ method: "GET", url, headers: { authorization: bearer(caller), ...headers } });
    const json = String(response.headers["content-type"]).includes("json");
    return {
      status: response.statusCode,
      body: json ? response.json() : {},
      text: response.payload,
      headers: response.headers,
    };
  };
  async function page(caller: Caller, url: string): Promise<{ rows: Rows; next: unknown }> {
    const { status, body } = await get(caller, url);
    if (status !== 200 || !Array.isArray(body.data)) throw new Error(`${url}: ${status} ${JSON.stringify(body)}`);
    return { rows: body.data, next: body.nextCursor };
  }
  return {
    app,
    get,
    list: async (caller, url) => (await page(caller, url)).rows,
    async *pages(caller, url) {
      let { rows, next } = await page(caller, url);
      yield rows;
      while (next !== null) {
        ({ rows, next } = await page(caller, `${url}&cursor=${next}`));
        yield rows;
      }
    },
  };
}

type Stub = { revision: Revision };

function projected(stub: Stub) {
  return {
    positions: async () => positionsOf(stub),
    close: async () => {},
  };
}

function positionsOf(stub: Stub): readonly Position[] {
  return stub.revision === NO_REVISION ? [] : [{ shard: 0, revision: stub.revision }];
}

/** Tables of analytics jobs that have one row for each key. `text`: in every column of texts. */
export function goldStub(text = "a"): GoldTables {
  const cells = { text, whole: 0n, number: 1, date: "2026-11-01" } as const;
  return {
    async rows({ table }) {
      const columns: Readonly<Record<string, GoldColumn>> = goldTables[table].columns;
      return [Object.fromEntries(Object.entries(columns).map(([name, type]) => [name, cells[type]]))];
    },
    pseudonymOf: async (account) => account,
    close: async () => undefined,
  };
}

/**
 * A graph that recommends the same to everybody, at a revision that the test moves.
 * @param paid merchants that everybody has paid
 */
export function graphStub(
  recommendations: readonly Recommendation[] = [],
  stub: Stub = { revision: 0 },
  paid: readonly AccountId[] = [],
): PaymentGraph {
  return {
    ...projected(stub),
    recommend: async (_tenant, _account, limit) => ({
      recommendations: recommendations.slice(0, limit),
      positions: positionsOf(stub),
    }),
    paidAmong: async (_account, merchants) => new Set(merchants.filter((merchant) => paid.includes(merchant))),
  };
}
