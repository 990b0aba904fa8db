import type { Revision, Shard } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import { type Authenticator, createEdge, createMetrics } from "ledger-core/http";
import type { Logger, RunningService } from "ledger-core/process";
import { createBoard } from "./running/board.ts";
import { keepProjections } from "./running/keep-projections.ts";
import { measureProjections, projectionChecks } from "./running/readiness.ts";

export type ProjectionServiceOptions = {
  readonly log: EventSource;
  /** The folder of the files of read models. */
  readonly dir: string;
  readonly shards: number;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Whose tokens may read /metrics. */
  readonly authenticate: Authenticator;
  readonly logger: Logger;
};

/** How often the log's head is read; /readyz uses the last result. */
const HEADS_EVERY_MS = 1000;

/**
 * Runs every projection in this thread, with an HTTP edge for health and metrics.
 * @throws LedgerError incompatible when a newer version wrote a file, log_corrupt when one is ahead of the log
 */
export async function startProjectionService(options: ProjectionServiceOptions): Promise<RunningService> {
  const { log, dir, logger, host, port, authenticate } = options;
  const shards = Array.from({ length: options.shards }, (_, shard) => shard);
  const board = createBoard(options.shards);
  const heads = watchHeads(log, shards);
  const metrics = createMetrics();
  measureProjections(metrics, board);
  const readiness = projectionChecks({ projections: board, shards: options.shards, head: heads.head });
  const app = await createEdge({ logger, authenticate, readiness, metrics });
  const kept = keepProjections({ dir, log, shards, logger, tell: board.take });
  const stop = async () => {
    heads.stop();
    await app.drain();
    await app.close();
    kept.obey({ kind: "stop" });
    await kept.finished;
    await log.close();
  };
  try {
    await kept.tried;
    return { url: await app.listen({ host, port }), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Caches the heads of the log; keeps the last ones while the log is unavailable. */
function watchHeads(log: EventSource, shards: readonly Shard[]): { head(shard: Shard): Revision; stop(): void } {
  const heads = new Map<Shard, Revision>();
  const look = async () => {
    for (const shard of shards) heads.set(shard, await log.head(shard));
  };
  const timer = setInterval(() => void look().catch(() => undefined), HEADS_EVERY_MS);
  return { head: (shard) => heads.get(shard) ?? -1, stop: () => clearInterval(timer) };
}
