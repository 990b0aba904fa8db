import { LedgerError } from "../../domain/errors.ts";
import type { Revision, Shard } from "../../domain/position.ts";
import type { StoredEvent } from "../../ports/event-log.ts";
import { eventOf, type ReceivedRecord } from "./records.ts";

export function expired(shard: Shard, from: Revision): LedgerError {
  return new LedgerError("behind_retention", `the mirror no longer holds ${shard}:${from}`, {
    position: { shard, revision: from },
  });
}

/** Selects the next events from records: drops repeats and foreign records, and refuses a gap. */
export function inSequence(shard: Shard, from: Revision, low: number) {
  let next = from;
  /** Whether all records since an offset at or below `next` were read, so that a missing revision is truly missing. */
  let whole = low <= from;
  let offset = Math.max(low, from);

  function gap(found: Revision): LedgerError {
    if (!whole) return expired(shard, next);
    return new LedgerError("revision_gap", `the mirror has ${shard}:${found} where ${next} should follow`, {
      position: { shard, revision: next },
    });
  }

  return {
    next: () => next,
    /** Returns the events that follow, and the fault that ends them. */
    take(records: readonly ReceivedRecord[]) {
      const first = records[0]?.offset ?? offset;
      // Records expired while we read, or the topic was recreated.
      if (first > offset) whole = false;
      else if (first < offset) whole = first <= next;
      offset = (records.at(-1)?.offset ?? offset - 1) + 1;
      const events: StoredEvent[] = [];
      let foreign = 0;
      for (const record of records) {
        const event = eventOf(shard, record);
        if (!event) foreign++;
        else if (event.revision > next) return { events, foreign, fault: gap(event.revision) };
        else if (event.revision === next) {
          events.push(event);
          next++;
          whole = true;
        }
      }
      return { events, foreign, fault: undefined };
    },
  };
}
