import type { Runtime } from "ledger-core";
import type { Delivery, StoredEvent } from "ledger-core/event-log";
import { systemRuntime } from "ledger-core/process";

/**
 * Events that arrived since the last gathering, in order, and whether the log's end was reached. `waited`: at the live
 * end, nothing had arrived when the consumer asked; until then it was not behind.
 */
type Gathering = { readonly events: readonly StoredEvent[]; readonly caughtUp: boolean; readonly waited: boolean };

/** When a batch is large enough: by its events, or by the bytes that they are encoded in. Default 16 MiB. */
type Enough = { readonly events: () => number; readonly bytes?: number | undefined };

/**
 * Merges deliveries into batches, since one large transaction costs less than many small ones: up to `most` events of
 * history, or at the live end those that arrived while the consumer worked. Buffers no more than that and one delivery.
 */
export async function* gather(
  deliveries: AsyncIterable<Delivery>,
  { events: most, bytes: bytesMax = 2 ** 24 }: Enough,
  runtime: Runtime = systemRuntime,
): AsyncIterable<Gathering> {
  let events: StoredEvent[] = [];
  let bytes = 0;
  let caughtUp = false;
  let ended = false;
  let stopped = false;
  let failure: unknown;
  const consumer = makeBell();
  const reader = makeBell();

  const full = () => events.length >= most() || bytes >= bytesMax;
  function take(delivered: readonly StoredEvent[]): void {
    for (const event of delivered) {
      events.push(event);
      bytes += event.data.length;
    }
  }

  async function readAhead(): Promise<void> {
    try {
      for await (const delivery of deliveries) {
        if (delivery.kind === "events") take(delivery.events);
        else caughtUp = true;
        consumer.ring();
        while (full() && !stopped) await reader.heard();
        if (stopped) return;
      }
    } catch (error) {
      failure = error;
    } finally {
      ended = true;
      consumer.ring();
    }
  }

  void readAhead();
  let live = false;
  try {
    while (true) {
      const waited = live && events.length === 0 && !caughtUp;
      while (!ended && !full() && !caughtUp && (!live || events.length === 0)) await consumer.heard();
      for (let before = -1; live && before < events.length && !full(); ) {
        before = events.length;
        await new Promise<void>((resolve) => runtime.defer(resolve));
      }
      live ||= caughtUp;
      if (events.length > 0 || caughtUp) {
        // A rest of a delivery would be a transaction of its own, which costs as much as a large one.
        const taken = events.slice(0, most());
        const rest = events.slice(taken.length);
        const gathering = { events: taken, caughtUp: caughtUp && rest.length === 0, waited };
        [events, bytes] = [[], 0];
        take(rest);
        if (gathering.caughtUp) caughtUp = false;
        reader.ring();
        yield gathering;
      } else if (ended) {
        if (failure !== undefined) throw failure;
        return;
      }
    }
  } finally {
    stopped = true;
    reader.ring();
  }
}

/** A wake-up signal for one waiter; a ring without a waiter wakes the next one. */
export function makeBell(): { ring(): void; heard(): Promise<void> } {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    async heard() {
      if (!rung) await new Promise<void>((resolve) => (wake = resolve));
      wake = undefined;
      rung = false;
    },
  };
}
