import { idBody, makeId } from "../domain/ids.ts";
import type { Revision, Shard } from "../domain/position.ts";
import type { EventSource, NewEvent, StoredEvent } from "../ports/event-log.ts";

export type EventShape = {
  readonly shard?: Shard;
  /** Distinguishes one writer's events from another's at the same revisions. */
  readonly salt?: number;
  /** Length of the payload in bytes. */
  readonly size?: number;
};

const START_US = 1_790_000_000_000_000;

/** Events for the revisions from `first` on. Payloads differ from event to event and contain every byte value. */
export function makeEvents(
  first: Revision,
  count: number,
  shape: EventShape = {},
): (NewEvent & { readonly data: Uint8Array })[] {
  const { shard = 0, salt = 1, size = 120 } = shape;
  return Array.from({ length: count }, (_, index) => {
    const revision = first + index;
    const at = START_US + revision * 1000;
    const data = Uint8Array.from({ length: size }, (_, i) => (revision * 7 + salt + i) % 256);
    return { id: makeId("evt", idBody(at, { shard, revision }, salt)), type: "PaymentCharged", version: 1, at, data };
  });
}

/** The appended part of events that were read, for comparison. */
export function asNew(events: readonly StoredEvent[]): (NewEvent & { readonly data: Uint8Array })[] {
  return events.map(({ id, type, version, at, data }) => ({ id, type, version, at, data: new Uint8Array(data) }));
}

/** All events of a read as one list. */
export async function readAll(log: EventSource, shard: Shard, from: Revision, limit?: number): Promise<StoredEvent[]> {
  const all: StoredEvent[] = [];
  for await (const events of log.read(shard, from, limit === undefined ? {} : { limit })) all.push(...events);
  return all;
}

/** The revisions that a subscription delivers, up to and including `last`. */
export async function followTo(log: EventSource, shard: Shard, from: Revision, last: Revision): Promise<Revision[]> {
  const revisions: Revision[] = [];
  const abort = new AbortController();
  for await (const delivery of log.subscribe(shard, from, abort.signal)) {
    if (delivery.kind === "events") revisions.push(...delivery.events.map((event) => event.revision));
    if ((revisions.at(-1) ?? -1) >= last) abort.abort();
  }
  return revisions;
}

/** `from` to `to`, both inclusive. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
