import { NO_REVISION, type Shard, type SpanPlace, type Tracing } from "ledger-core";
import type { EventSource, StoredEvent } from "ledger-core/event-log";
import { placeOf, recordStep } from "../traced-events.ts";
import type { ProjectionReport } from "./reports.ts";

/** Events of a shard that a projection may still apply; further ones get no span. */
const WAITING_MAX = 8192;

type Waiting = Pick<StoredEvent, "type" | "shard" | "revision"> & {
  readonly startMs: number;
  readonly parent: SpanPlace;
};

/**
 * The source and the reports of projections, with a span for each event that a projection has applied, from its arrival
 * to its commit. Events that arrived last are kept by shard, since reports name revisions only.
 */
export function traceProjections<Source extends EventSource>(
  source: Source,
  tell: (report: ProjectionReport) => void,
  tracing: Tracing,
): { readonly log: Source; readonly tell: (report: ProjectionReport) => void } {
  const waiting = new Map<Shard, Waiting[]>();
  /** By projection and shard. */
  const reached = new Map<string, number>();

  function arrived(shard: Shard, events: readonly StoredEvent[]): void {
    const startMs = tracing.now();
    const kept = waiting.get(shard) ?? [];
    for (const event of events) {
      const parent = placeOf(tracing, event);
      if (!parent || event.revision <= (kept.at(-1)?.revision ?? -1)) continue;
      kept.push({ type: event.type, shard, revision: event.revision, startMs, parent });
    }
    waiting.set(shard, kept.length > WAITING_MAX ? kept.slice(-WAITING_MAX) : kept);
  }

  function applied({ projection, shard, revision }: Extract<ProjectionReport, { kind: "moved" }>): void {
    const key = `${projection}:${shard}`;
    const before = reached.get(key) ?? NO_REVISION;
    reached.set(key, revision);
    for (const event of waiting.get(shard) ?? []) {
      if (event.revision <= before || event.revision > revision) continue;
      const { startMs, parent } = event;
      recordStep(tracing, event, { name: `apply ${projection}`, kind: "consumer", startMs, parent });
    }
  }

  return {
    log: {
      ...source,
      async *subscribe(shard, from, signal) {
        for await (const delivery of source.subscribe(shard, from, signal)) {
          if (delivery.kind === "events") arrived(shard, delivery.events);
          yield delivery;
        }
      },
    },
    tell(report) {
      if (report.kind === "moved") applied(report);
      tell(report);
    },
  };
}
