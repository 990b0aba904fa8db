import { randomUUID } from "node:crypto";
import type { EventSource } from "ledger-core/event-log";
import { createMetrics, openOperationsPort } from "ledger-core/http";
import { type Listening, type Logger, makeClosers, type RunningService } from "ledger-core/process";
import { watchHeads } from "projection-workers";
import { startExporter } from "./exporter.ts";
import type { Lake } from "./ports/lake.ts";
import { exportChecks, measureExport } from "./readiness.ts";
import type { Pseudonyms } from "./tables/pseudonyms.ts";
import { exportTables } from "./tables/tables.ts";

export type ExportServiceOptions = {
  /** Closed with the service. */
  readonly log: EventSource;
  readonly lake: Lake;
  readonly names: Pseudonyms;
  readonly everyMs: number;
  readonly shards: number;
  /** Address of /livez, /readyz and /metrics. */
  readonly operations: Listening;
  readonly logger: Logger;
};

/** Exports the log, and serves health and metrics. A lake that is away or refuses holds up nobody else. */
export async function startExportService(options: ExportServiceOptions): Promise<RunningService> {
  const { log, logger, shards, everyMs } = options;
  const closers = makeClosers();
  closers.push(() => log.close());
  const exporter = startExporter({ ...options, tables: exportTables, uniqueName: randomUUID, tuning: { everyMs } });
  closers.push(() => exporter.stop());
  exporter.finished.catch((error: unknown) => {
    logger.fatal({ err: error }, "the export failed: this is a bug");
    process.exitCode = 1;
    process.kill(process.pid, "SIGTERM");
  });
  const heads = watchHeads(
    log,
    Array.from({ length: shards }, (_, shard) => shard),
  );
  closers.push(async () => heads.stop());
  const metrics = createMetrics();
  measureExport(metrics, exporter, heads.head);
  try {
    const names = exportTables.map(({ name }) => name);
    const readiness = exportChecks(exporter, names);
    const operations = await openOperationsPort({ ...options, readiness, metrics });
    closers.push(operations.close);
    return { operations: operations.url, stop: closers.close };
  } catch (error) {
    await closers.close();
    throw error;
  }
}
