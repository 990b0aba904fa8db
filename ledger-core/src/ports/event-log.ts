import { Buffer } from "node:buffer";
import type { EventId } from "../domain/ids.ts";
import type { Revision, Shard } from "../domain/position.ts";
import type { Micros } from "../domain/time.ts";

/** An event to be stored: `data` is its JSON, as text or UTF-8; `type` and `version` determine how to read it. */
export type NewEvent = {
  readonly id: EventId;
  readonly type: string;
  readonly version: number;
  readonly at: Micros;
  readonly data: string | Uint8Array;
};

/** Events in the order of appending. `bytes`, if present: the same events as `encodeFrames` writes them. */
export type Events = Iterable<NewEvent> & { readonly length: number; readonly bytes?: Buffer };

/** The stored bytes of an event. */
export function bytesOf({ data }: Pick<NewEvent, "data">): Uint8Array {
  return typeof data === "string" ? Buffer.from(data) : data;
}

/** A stored event; its bytes were checked against `leaf`, the 32-byte RFC 9162 leaf hash kept with the append. */
export type StoredEvent = NewEvent & {
  readonly data: Uint8Array;
  readonly shard: Shard;
  readonly revision: Revision;
  readonly leaf: Uint8Array;
};

/**
 * Deliveries of a subscription: events in order, and the moment when history is exhausted and it goes on live.
 * `caught_up` comes at least once, after the last event that was there when the subscription reached the head; more may
 * follow.
 */
export type Delivery =
  | { readonly kind: "events"; readonly events: readonly StoredEvent[] }
  | { readonly kind: "caught_up"; readonly head: Revision };

/**
 * The append-only log of every shard. One writer per shard; the expected revision is the fencing token.
 * Every method may throw LedgerError `log_unavailable`, and the reading ones `log_corrupt` with the first bad position.
 */
export interface EventLog extends EventSource {
  /**
   * Appends all events or none, directly after `expectedRevision` (NO_REVISION: the shard is empty), and answers after
   * they are durable.
   * @returns the revision of the last event
   * @throws wrong_expected_revision: the shard is at another revision; definite, nothing was written
   * @throws outcome_unknown: repeat with identical bytes, ids and revision until it is known; an append that did happen
   * answers as it did then
   */
  append(shard: Shard, expectedRevision: Revision, events: Events): Promise<Revision>;
}

/** The log as its readers see it: nothing can be appended. */
export interface EventSource {
  /**
   * Events from `from` (inclusive) up to the head at the time of the call, in batches of the adapter's choosing, never
   * empty ones.
   */
  read(shard: Shard, from: Revision, options?: { limit?: number }): AsyncIterable<readonly StoredEvent[]>;

  /** The revision of the last event; NO_REVISION when there is none. */
  head(shard: Shard): Promise<Revision>;

  /**
   * Events from `from` (inclusive), history first, then live, without a gap or a repeat, until the signal aborts (it
   * then ends without an error). A consumer that is slow is not buffered for: it reads from the store at its own pace.
   */
  subscribe(shard: Shard, from: Revision, signal: AbortSignal): AsyncIterable<Delivery>;

  /** Waits for what is under way and releases the store. */
  close(): Promise<void>;
}
