import type { Tracing } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import { createMetrics, openOperationsPort } from "ledger-core/http";
import { type Listening, type Logger, makeClosers, type RunningService, systemRuntime } from "ledger-core/process";
import type { SessionStore } from "ledger-core/redis";
import type { FollowedMirror } from "./mirror/follow-mirror.ts";
import { reportLag } from "./mirror/lag-report.ts";
import type { StoreFile } from "./projections/store-file.ts";
import type { StoreServer } from "./projections/store-server.ts";
import { createBoard } from "./running/board.ts";
import { watchHeads } from "./running/heads.ts";
import { keepProjections } from "./running/keep-projections.ts";
import { sessionsFile } from "./running/keep-sessions.ts";
import { measureProjections, namesOf, projectionChecks } from "./running/readiness.ts";
import { watchStalls } from "./running/stalls.ts";
import { traceProjections } from "./running/traced-projections.ts";

export type ProjectionServiceOptions = {
  /** `commit` tells the broker how much of a shard is applied. */
  readonly log: EventSource & Partial<Pick<FollowedMirror, "using" | "commit">>;
  /** The folder of the files of read models. */
  readonly dir: string;
  /** The projections that this process keeps in files. */
  readonly files: readonly StoreFile[];
  /** The first file of a store, by its name, if it is not in the folder. */
  readonly firstFiles?: Readonly<Record<string, string>>;
  /** The projections that it keeps in servers. */
  readonly servers?: readonly StoreServer[];
  /** Session views in Redis, if this process keeps them; it closes the store. */
  readonly sessions?: SessionStore | undefined;
  readonly shards: number;
  /** Where /livez, /readyz and /metrics are served. */
  readonly operations: Listening;
  readonly logger: Logger;
  /** How long a projection may not advance while the log has more for it, in ms. Default 30,000. */
  readonly stalledAfterMs?: number;
  /** Default: nothing is traced. */
  readonly tracing?: Tracing;
};

/**
 * Runs projections in this thread, with an HTTP edge for health and metrics.
 * @throws LedgerError incompatible when a newer version wrote a file, log_corrupt when one is ahead of the log
 */
export async function startProjectionService(options: ProjectionServiceOptions): Promise<RunningService> {
  const { log, tracing } = options;
  const closers = makeClosers();
  closers.push(() => log.close());
  const shards = Array.from({ length: options.shards }, (_, shard) => shard);
  const board = createBoard(options.shards);
  const heads = watchHeads(log, shards);
  closers.push(async () => heads.stop());
  const metrics = createMetrics();
  const sessions = options.sessions ? [sessionsFile] : [];
  const files = [...options.files, ...(options.servers ?? []), ...sessions];
  const places = { projections: board, shards: options.shards, head: heads.head };
  const stalls = watchStalls({ ...places, names: namesOf({ files }) }, { ...options, runtime: systemRuntime });
  closers.push(async () => stalls.stop());
  const lag = { ...places, files, stalls };
  const { commit } = log;
  if (commit) {
    const applied = (shard: number) => Math.min(...namesOf({ files }).map((name) => board.revision(name, shard)));
    const stop = reportLag({ ...options, mirror: { commit }, shards, applied, runtime: systemRuntime });
    closers.push(async () => stop());
  }
  measureProjections(metrics, lag);
  metrics.gauge(
    "projections_reading_log_shards",
    "Shards whose events are read from the log instead of the broker; all, where no broker is used.",
    () => shards.filter((shard) => (log.using?.(shard) ?? "log") === "log").length,
  );
  try {
    const operations = await openOperationsPort({ ...options, readiness: projectionChecks(lag), metrics });
    closers.push(operations.close);
    const traced = tracing ? traceProjections(log, board.take, tracing) : { log, tell: board.take };
    const kept = keepProjections({ ...options, ...traced, shards });
    closers.push(async () => {
      kept.obey({ kind: "stop" });
      await kept.finished;
    });
    await kept.tried;
    return { operations: operations.url, stop: closers.close };
  } catch (error) {
    await closers.close();
    throw error;
  }
}
