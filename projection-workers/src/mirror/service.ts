import type { Tracing } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import { createMetrics, openOperationsPort } from "ledger-core/http";
import type { MirrorTarget } from "ledger-core/kafka";
import { type Listening, type Logger, makeClosers, type RunningService } from "ledger-core/process";
import { measureMirror, mirrorChecks, startMirror } from "./mirror.ts";
import { traceMirror } from "./traced-mirror.ts";

export type MirrorServiceOptions = {
  /** Closed with the service. */
  readonly log: EventSource;
  readonly target: MirrorTarget;
  readonly shards: number;
  /** Address of /livez, /readyz and /metrics. */
  readonly operations: Listening;
  readonly logger: Logger;
  /** Default: nothing is traced. */
  readonly tracing?: Tracing;
};

/**
 * Mirrors the log to the broker, and serves health and metrics. Survives a broker that is down or refuses: /readyz
 * names the reason, and mirroring resumes by itself.
 */
export async function startMirrorService(options: MirrorServiceOptions): Promise<RunningService> {
  const { log, logger, target, tracing } = options;
  const closers = makeClosers();
  closers.push(() => log.close());
  const mirror = startMirror({ ...options, target: tracing ? traceMirror(target, tracing) : target });
  closers.push(() => mirror.stop());
  mirror.finished.catch((error: unknown) => {
    logger.fatal({ err: error }, "the mirror failed: this is a bug");
    process.exitCode = 1;
    process.kill(process.pid, "SIGTERM");
  });
  const metrics = createMetrics();
  measureMirror(metrics, mirror);
  try {
    const operations = await openOperationsPort({ ...options, readiness: mirrorChecks(mirror), metrics });
    closers.push(operations.close);
    return { operations: operations.url, stop: closers.close };
  } catch (error) {
    await closers.close();
    throw error;
  }
}
