import { formatPosition, type SpanPlace, type Tracing } from "ledger-core";
import type { StoredEvent } from "ledger-core/event-log";

/** Older events are history, such as those of a rebuild, and get no spans. */
const RECENT_MS = 600_000;

/** The place of an event's span; undefined if it is not kept, or history. */
export function placeOf(tracing: Tracing, { id, at }: Pick<StoredEvent, "id" | "at">): SpanPlace | undefined {
  return tracing.now() - at / 1000 > RECENT_MS ? undefined : tracing.eventPlace(id);
}

/** Records one step of an event's way through the process, in the trace of that event. */
export function recordStep(
  tracing: Tracing,
  event: Pick<StoredEvent, "type" | "shard" | "revision">,
  step: { readonly name: string; readonly kind: "producer" | "consumer"; readonly startMs: number; parent: SpanPlace },
): void {
  const attributes = { "ledger.event.type": event.type, "ledger.position": formatPosition(event) };
  tracing.record({ ...step, endMs: tracing.now(), attributes });
}
