import type { Runtime } from "ledger-core";
import type { EventSource, StoredEvent } from "ledger-core/event-log";
import { type Logger, systemRuntime } from "ledger-core/process";
import { type ProjectionStatus, shareReading } from "projection-workers";
import type { MaintenanceTuning } from "./delta/maintenance.ts";
import { DeltaTable } from "./delta/table.ts";
import type { Lake } from "./ports/lake.ts";
import { followTable } from "./table-loop.ts";
import type { Pseudonyms } from "./tables/pseudonyms.ts";
import type { ExportTable } from "./tables/tables.ts";

export type ExportTuning = {
  /** The most events in one commit of a table. 1 to 1,000,000. Default 50,000. */
  readonly batchMax?: number;
  /** The most bytes of encoded rows in one commit of a table, exceeded by the last delivery only. Default 16 MiB. */
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

/** At the log's end, the longest pause before the next piece of it is read: larger pieces cost less per event. */
const PACE_MAX_MS = 200;
/** The part of the time between two commits that the pause is at most. */
const PACE_SHARE = 0.1;

/**
 * Exports the log into tables. Each follows it by itself and holds its own position, so that an event is in it once,
 * whatever fails. A table that cannot be written is tried again, and holds up neither the others nor the ledger.
 */
export function startExporter(options: ExporterOptions): Exporter {
  const { tables, shards, logger, names, runtime = systemRuntime, tuning = {} } = options;
  const { batchMax = 50_000, batchBytesMax = 2 ** 24, everyMs = 5000, againMs = 10_000 } = tuning;
  const stopping = new AbortController();
  const { signal } = stopping;
  const paceMs = Math.min(PACE_MAX_MS, everyMs * PACE_SHARE);
  const log = shareReading(inPieces(options.log), { paceMs }, runtime);
  const common = { log, names, logger, runtime, signal, batchMax, batchBytesMax, everyMs, againMs };
  const runs = tables.flatMap((table) => {
    const target = openTable(options, table);
    return Array.from({ length: shards }, (_, shard) => followTable({ ...common, table, target, shard }));
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

/** Events that are decoded at once for all tables: few enough to be garbage at the next collection. */
const PIECE_EVENTS = 64;

function copyOf({ id, type, version, at, data, shard, revision, leaf }: StoredEvent): StoredEvent {
  return { id, type, version, at, data, shard, revision, leaf };
}

/** A log that delivers few events at a time. */
function inPieces(log: EventSource): EventSource {
  return {
    async *subscribe(shard, from, signal) {
      for await (const delivery of log.subscribe(shard, from, signal)) {
        if (delivery.kind === "caught_up") yield delivery;
        else
          for (let at = 0; at < delivery.events.length; at += PIECE_EVENTS)
            yield { kind: "events", events: delivery.events.slice(at, at + PIECE_EVENTS).map(copyOf) };
      }
    },
    read: (shard, from, more) => log.read(shard, from, more),
    head: (shard) => log.head(shard),
    close: () => log.close(),
  };
}

function openTable({ lake, uniqueName, tuning = {}, runtime = systemRuntime }: ExporterOptions, shape: ExportTable) {
  const nowMs = () => Math.floor(runtime.now() / MICROS_A_MS);
  return new DeltaTable({ lake, shape, uniqueName, nowMs, ...tuning });
}
