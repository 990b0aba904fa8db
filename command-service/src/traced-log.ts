import { formatPosition, type SpanPlace, type Tracing } from "ledger-core";
import type { EventLog, Events } from "ledger-core/event-log";

/** Events whose spans requests can still link to: more than the largest append holds. */
const RECENT_MAX = 16_384;

export type TracedLog = { readonly log: EventLog; readonly eventAt: (position: string) => SpanPlace | undefined };

/** The log, with a span for each append and for each of its events; `eventAt` finds the spans of the last events. */
export function traceAppends(log: EventLog, tracing: Tracing): TracedLog {
  const recent = new Map<string, SpanPlace>();

  function remember(position: string, place: SpanPlace): void {
    recent.set(position, place);
    if (recent.size <= RECENT_MAX) return;
    const [oldest] = recent.keys();
    if (oldest !== undefined) recent.delete(oldest);
  }

  /** `first` is undefined if the append failed. */
  function record(startMs: number, shard: number, events: Events, first: number | undefined): void {
    const span = { kind: "internal", startMs, endMs: tracing.now() } as const;
    const attributes = { "ledger.shard": shard, "ledger.append.events": events.length };
    const append = tracing.record({ ...span, name: "append", failed: first === undefined, attributes });
    if (first === undefined) return;
    let revision = first;
    for (const { id, type } of events) {
      const position = formatPosition({ shard, revision: revision++ });
      const place = tracing.eventPlace(id);
      if (!place) continue;
      remember(position, place);
      tracing.record({
        ...{ ...span, name: `append ${type}`, place, links: [append] },
        attributes: { "ledger.event.type": type, "ledger.position": position },
      });
    }
  }

  return {
    eventAt: (position) => recent.get(position),
    log: {
      ...log,
      async append(shard, expectedRevision, events) {
        const startMs = tracing.now();
        const appended = log.append(shard, expectedRevision, events);
        const failed = () => record(startMs, shard, events, undefined);
        const head = await appended.catch((error: unknown) => {
          failed();
          throw error;
        });
        record(startMs, shard, events, expectedRevision + 1);
        return head;
      },
    },
  };
}
