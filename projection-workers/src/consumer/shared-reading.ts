import type { Revision, Runtime, Shard } from "ledger-core";
import type { Delivery, EventSource } from "ledger-core/event-log";
import { systemRuntime } from "ledger-core/process";
import { after, makeGroup, type ReadingGroup, type ReadingTuning } from "./reading-group.ts";

/**
 * The log as the projections of a process follow it: their subscriptions of a shard share one reading, in lockstep, so
 * that an event is read, checked and decoded once. A subscription that is behind the reading, and one that takes too
 * long, reads by itself until it has caught up. Reads (of a rebuild) are not shared.
 */
export function shareReading(log: EventSource, tuning: ReadingTuning, runtime: Runtime = systemRuntime): EventSource {
  const { paceMs = 10, patienceMs = 5000, backMax = 100_000 } = tuning;
  const groups = new Map<Shard, ReadingGroup>();

  /** The group for a subscription that goes on at `next`; undefined when it is behind it. */
  function groupFor(shard: Shard, next: Revision): ReadingGroup | undefined {
    const known = groups.get(shard);
    if (known) return known.admits(next) ? known : undefined;
    const ports = { log, runtime, onEnd: () => void groups.delete(shard) };
    const fresh = makeGroup(ports, { paceMs, patienceMs, backMax }, shard, next);
    groups.set(shard, fresh);
    return fresh;
  }

  async function* subscribe(shard: Shard, from: Revision, signal: AbortSignal): AsyncGenerator<Delivery> {
    let next = from;
    while (!signal.aborted) {
      const group = groupFor(shard, next);
      let moves = false;
      for await (const delivery of group?.join(next, signal) ?? log.subscribe(shard, next, signal)) {
        if (delivery === "left behind") {
          moves = true;
          break;
        }
        next = after(next, delivery);
        yield delivery;
        moves = !group && (groups.get(shard)?.admits(next) ?? true);
        if (moves) break;
      }
      if (!moves) return;
    }
  }

  return {
    subscribe,
    read: (shard, from, options) => log.read(shard, from, options),
    head: (shard) => log.head(shard),
    close: () => log.close(),
  };
}
