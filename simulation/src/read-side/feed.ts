import type { Delivery, EventLog, StoredEvent } from "ledger-core/event-log";
import type { Faults } from "../faults.ts";
import type { Random } from "../random.ts";
import type { Owner, Scheduler } from "../scheduler.ts";

type FeedOptions = {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  readonly owner: Owner;
  /** Called when events arrive out of order, the only time a consumer may halt. */
  readonly onReordered: () => void;
};

/**
 * The log as a projector follows it, with a broker's pace and faults: deliveries repeat, and two deliveries may swap
 * places.
 */
export function brokeredFeed(log: EventLog, options: FeedOptions): EventLog {
  return { ...log, subscribe: (shard, from, signal) => disturb(log.subscribe(shard, from, signal), options) };
}

async function* disturb(deliveries: AsyncIterable<Delivery>, options: FeedOptions): AsyncGenerator<Delivery> {
  const { scheduler, random, faults, owner, onReordered } = options;
  let before: readonly StoredEvent[] = [];
  let heldBack: Delivery | undefined;
  for await (const delivery of deliveries) {
    await new Promise<void>((resolve) => void scheduler.after(random.between(500, 40_000), owner, resolve));
    if (delivery.kind === "events") {
      if (before.length > 0 && faults.strikes("repeated_delivery", 0.08)) yield { kind: "events", events: before };
      if (!heldBack && faults.strikes("reordered_delivery", 0.06)) {
        heldBack = delivery;
        onReordered();
        continue;
      }
      before = delivery.events;
    }
    yield delivery;
    if (heldBack && delivery.kind === "events") {
      yield heldBack;
      heldBack = undefined;
    }
  }
}
