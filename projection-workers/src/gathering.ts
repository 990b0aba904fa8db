import type { Delivery, StoredEvent } from "ledger-core/event-log";

/** What has arrived since the last time: events in order, and the head that was reached after them, if it was. */
export type Gathering = { readonly events: readonly StoredEvent[]; readonly caughtUp: boolean };

/**
 * Turns deliveries into as few gatherings as the consumer's pace allows: what arrives while it works on one waits together in
 * the next. Reads ahead by `max` events and one delivery, no more.
 */
export async function* gather(deliveries: AsyncIterable<Delivery>, max: number): AsyncIterable<Gathering> {
  let events: StoredEvent[] = [];
  let caughtUp = false;
  let ended = false;
  let failure: unknown;
  let wakeConsumer = () => {};
  let wakeReader = () => {};
  let stopped = false;

  async function readAhead(): Promise<void> {
    try {
      for await (const delivery of deliveries) {
        if (delivery.kind === "events") events.push(...delivery.events);
        else caughtUp = true;
        wakeConsumer();
        if (stopped) return;
        if (events.length >= max) await new Promise<void>((resolve) => (wakeReader = resolve));
        if (stopped) return;
      }
    } catch (error) {
      failure = error;
    } finally {
      ended = true;
      wakeConsumer();
    }
  }

  const reading = readAhead();
  try {
    while (true) {
      if (events.length > 0 || caughtUp) {
        const gathering = { events, caughtUp };
        events = [];
        caughtUp = false;
        wakeReader();
        yield gathering;
      } else if (ended) {
        if (failure !== undefined) throw failure;
        return;
      } else {
        await new Promise<void>((resolve) => (wakeConsumer = resolve));
      }
    }
  } finally {
    stopped = true;
    wakeReader();
    // A reader that waits for the live end of the log ends when the subscription's signal does.
    if (ended) await reading;
  }
}
