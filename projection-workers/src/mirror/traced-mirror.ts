import type { Tracing } from "ledger-core";
import type { MirrorTarget } from "ledger-core/kafka";
import { placeOf, recordStep } from "../traced-events.ts";

/** The mirror, with a span for each event that it has acknowledged. */
export function traceMirror(target: MirrorTarget, tracing: Tracing): MirrorTarget {
  return {
    check: (shards) => target.check(shards),
    close: () => target.close(),
    async open(shard) {
      const writer = await target.open(shard);
      return {
        ...{ end: writer.end, bytesMax: writer.bytesMax, eventsMax: writer.eventsMax },
        close: () => writer.close(),
        async append(events) {
          const startMs = tracing.now();
          await writer.append(events);
          for (const event of events) {
            const parent = placeOf(tracing, event);
            if (parent) recordStep(tracing, event, { name: "mirror", kind: "producer", startMs, parent });
          }
        },
      };
    },
  };
}
