import { randomUUID } from "node:crypto";
import { formatPosition } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import { createMetrics, type Metrics, openOperationsPort, type ReadinessCheck } from "ledger-core/http";
import { type Listening, type Logger, makeClosers, type RunningService } from "ledger-core/process";
import { type WatchedHeads, watchHeads } from "projection-workers";
import { type Exporter, startExporter } from "./exporter.ts";
import type { Lake } from "./ports/lake.ts";
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
  measureExport(metrics, exporter, heads);
  try {
    const operations = await openOperationsPort({ ...options, readiness: exportChecks(exporter), metrics });
    closers.push(operations.close);
    return { operations: operations.url, stop: closers.close };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

/** One check a table: where each shard is, and why it does not go on. */
function exportChecks(exporter: Exporter): readonly ReadinessCheck[] {
  return exportTables.map(({ name }) => ({
    name,
    check() {
      const shards = exporter.statuses().filter(({ projection }) => projection === name);
      const detail = shards.map(({ shard, revision, state, publicReason }) => {
        const at = revision < 0 ? `${shard}: nothing yet` : formatPosition({ shard, revision });
        return `${at}, ${state.replace("_", " ")}${publicReason === null ? "" : `, ${publicReason}`}`;
      });
      const stuck = shards.some(({ state }) => state === "retrying" || state === "halted");
      return { ready: !stuck, detail: detail.join("; ") };
    },
  }));
}

function measureExport(metrics: Metrics, exporter: Exporter, heads: WatchedHeads): void {
  metrics.gauge("export_behind_events", "Events of the log that the table furthest behind does not hold yet.", () =>
    Math.max(0, ...exporter.statuses().map(({ shard, revision }) => heads.head(shard) - revision)),
  );
  metrics.gauge(
    "export_stopped_tables",
    "Tables and shards whose export does not go on now.",
    () => exporter.statuses().filter(({ state }) => state === "retrying" || state === "halted").length,
  );
}
