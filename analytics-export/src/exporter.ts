import type { Revision, Runtime, Shard } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import { type Logger, systemRuntime } from "ledger-core/process";
import { type ProjectionStatus, pause, runProjection, shareReading } from "projection-workers";
import type { MaintenanceTuning } from "./delta/maintenance.ts";
import { DeltaTable } from "./delta/table.ts";
import { paced } from "./pacing.ts";
import type { Lake } from "./ports/lake.ts";
import type { Pseudonyms } from "./tables/pseudonyms.ts";
import type { ExportTable } from "./tables/tables.ts";

export type ExportTuning = {
  /** The most events in one commit of a table; bounds memory. 1 to 100,000. Default 10,000. */
  readonly batchMax?: number;
  /** The most bytes of encoded events in one commit of a table, but for the last delivery. Default 8 MiB. */
  readonly batchBytesMax?: number;
  /** At the log's end, the least time between two commits of a table and shard, in ms. 0 to 600,000. Default 5000. */
  readonly everyMs?: number;
  /** The pause before a table that cannot be written is looked at again, in ms. 1 to 600,000. Default 10,000. */
  readonly againMs?: number;
  /** After how many commits of a table a checkpoint is written. 1 to 10,000. Default 100. */
  readonly checkpointEvery?: number;
  /** How small files are merged; each field states its default. */
  readonly maintenance?: Partial<MaintenanceTuning>;
};

export type ExporterOptions = {
  readonly log: EventSource;
  readonly lake: Lake;
  readonly tables: readonly ExportTable[];
  readonly names: Pseudonyms;
  readonly shards: number;
  readonly uniqueName: () => string;
  readonly logger: Logger;
  readonly tuning?: ExportTuning;
  readonly runtime?: Runtime;
};

export type Exporter = {
  /** How far each table of each shard is. */
  statuses(): readonly ProjectionStatus[];
  /** Ends after the commits under way. */
  stop(): Promise<void>;
  /** Rejects only on a bug. */
  readonly finished: Promise<void>;
};

const MICROS_A_MS = 1000;

/**
 * Exports the log into tables: each is a projection whose target is a Delta table, so that an event is in it once,
 * whatever fails. A table that cannot be written is tried again, and holds up neither the others nor the ledger.
 */
export function startExporter(options: ExporterOptions): Exporter {
  const { tables, shards, runtime = systemRuntime } = options;
  const stopping = new AbortController();
  const log = shareReading(options.log, {}, runtime);
  const runs = tables.flatMap((table) => {
    const target = openTable(options, table);
    return Array.from({ length: shards }, (_, shard) =>
      follow({ ...options, log }, table, target, shard, stopping.signal),
    );
  });
  const finished = Promise.all(runs.map((run) => run.finished)).then(() => undefined);
  return {
    statuses: () => runs.map((run) => run.status()),
    async stop() {
      stopping.abort();
      await finished.catch(() => undefined);
    },
    finished,
  };
}

function openTable({ lake, uniqueName, tuning = {}, runtime = systemRuntime }: ExporterOptions, shape: ExportTable) {
  const nowMs = () => Math.floor(runtime.now() / MICROS_A_MS);
  return new DeltaTable({ lake, shape, uniqueName, nowMs, ...tuning });
}

/** One table of one shard, again and again: what halts a read model only pauses a table. */
function follow(
  options: ExporterOptions,
  table: ExportTable,
  target: DeltaTable,
  shard: Shard,
  signal: AbortSignal,
): { status(): ProjectionStatus; readonly finished: Promise<void> } {
  const { log, logger, names, tuning = {}, runtime = systemRuntime } = options;
  const { batchMax = 10_000, batchBytesMax = 2 ** 23, everyMs = 5000, againMs = 10_000 } = tuning;
  // A batch that is not full may be the rest of what was gathered, with history left behind it.
  const isBehind = async (revision: Revision) => (await log.head(shard)) - revision >= batchMax;
  const begin = () =>
    runProjection({
      ...{ log, logger, runtime, signal, shard, batchMax, batchBytesMax },
      projection: { name: table.name, projectStored: (event, stored) => table.rows(event, stored, names) },
      target: paced(target, { everyMs, isBehind, runtime, signal }),
      // The pace makes batches large; nobody waits for a short transaction.
      liveMs: null,
    });
  let run = begin();
  const again = async () => {
    await run.finished;
    while (!signal.aborted) {
      await pause(runtime, againMs, signal);
      if (signal.aborted) return;
      run = begin();
      await run.finished;
    }
  };
  return { status: () => run.status(), finished: again() };
}
