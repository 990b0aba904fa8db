import type { FastifyInstance } from "fastify";
import type { Knex } from "knex";
import type { Micros, PaymentGraph, Position, ProjectionTarget, Runtime, SessionView } from "ledger-core";
import { systemRuntime } from "ledger-core/process";
import { type Cursors, signedCursors } from "./cursors.ts";
import { type QueryLimits, queryLimits } from "./limits.ts";
import { createModelReader, type Wake } from "./reading.ts";
import { serveAccounts } from "./routes/accounts.ts";
import { serveBalance } from "./routes/balance.ts";
import type { QueryContext } from "./routes/context.ts";
import { serveEntries } from "./routes/entries.ts";
import { serveMovements } from "./routes/movements.ts";
import { servePayments } from "./routes/payments.ts";
import { serveRecommendations } from "./routes/recommendations.ts";
import { serveSession } from "./routes/session.ts";
import { openWaitingRoom } from "./waiting.ts";

export type QueryDeps = {
  /** Reads the models; needs no more than the right to SELECT. */
  readonly models: Knex;
  readonly session: SessionView;
  readonly graph: PaymentGraph;
  /** How many shards there are: a position of any other is refused. */
  readonly shards: number;
  /**
   * Signs cursors; the same in every process that answers queries, 32 bytes. A new key makes the cursors out there
   * invalid, no more.
   */
  readonly cursorKey: Uint8Array;
  /** Default: signed with `cursorKey`. */
  readonly cursors?: Cursors;
  readonly clock?: () => Micros;
  /**
   * Calls its listener after a projection has moved on; answers with a function that ends that. Without it stores are
   * polled.
   */
  readonly wake?: Wake;
  /** Waits and measures. Default: the system's. */
  readonly runtime?: Runtime;
  readonly limits?: Partial<QueryLimits>;
};

/** Adds every query of the API to an edge. */
export function registerQueries(app: FastifyInstance, deps: QueryDeps): void {
  const { models, session, graph, shards, clock = endOfThisMillisecond, wake, runtime = systemRuntime } = deps;
  const limits = { ...queryLimits, ...deps.limits };
  const context: QueryContext = {
    models: createModelReader(models, { wake, runtime, limits }),
    session,
    sessionRoom: openWaitingRoom({ positions: () => checkpoints(session, shards), wake, runtime }),
    graph,
    graphRoom: openWaitingRoom({ positions: () => checkpoints(graph, shards), wake, runtime }),
    shards,
    runtime,
    cursors: deps.cursors ?? signedCursors(deps.cursorKey),
    clock,
  };
  serveAccounts(app, context);
  serveEntries(app, context);
  serveBalance(app, context);
  servePayments(app, context);
  serveMovements(app, context);
  serveSession(app, context);
  serveRecommendations(app, context);
}

/**
 * The system's clock stands still within a millisecond while events are booked in it: what was booked is never ahead of
 * now.
 */
function endOfThisMillisecond(): Micros {
  return Date.now() * 1000 + 999;
}

async function checkpoints(
  store: Pick<ProjectionTarget<unknown>, "checkpoint">,
  shards: number,
): Promise<readonly Position[]> {
  const revisions = await Promise.all(Array.from({ length: shards }, (_, shard) => store.checkpoint(shard)));
  return revisions.map((revision, shard) => ({ shard, revision })).filter(({ revision }) => revision >= 0);
}
