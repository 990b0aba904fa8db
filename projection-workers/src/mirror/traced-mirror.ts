import type { Tracing } from "ledger-core";
import type { MirrorTarget } from "ledger-core/kafka";
import { placeOf, recordStep } from "../traced-events.ts";
import { watchTarget } from "./watched-target.ts";

/** The mirror, with a span for each event that it has acknowledged. */
export function traceMirror(target: MirrorTarget, tracing: Tracing): MirrorTarget {
  return watchTarget(target, () => {
    const startMs = tracing.now();
    return (events) => {
      for (const event of events) {
        const parent = placeOf(tracing, event);
        if (parent) recordStep(tracing, event, { name: "mirror", kind: "producer", startMs, parent });
      }
    };
  });
}
