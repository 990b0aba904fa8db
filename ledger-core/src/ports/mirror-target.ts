import type { EventId } from "../domain/ids.ts";
import type { Revision, Shard } from "../domain/position.ts";
import type { StoredEvent } from "./event-log.ts";

/** The newest event of a shard that the mirror holds; `foreign`: records after it that are no events of ours. */
export type MirrorEnd = {
  readonly revision: Revision;
  readonly event: { readonly id: EventId; readonly leaf: Uint8Array } | undefined;
  readonly foreign: number;
};

/**
 * A broker's topic that holds a copy of the log: partition = shard. Every method may throw LedgerError
 * `broker_unavailable`, which passes, and `mirror_refused`, which needs attention; its message says what to do.
 */
export interface MirrorTarget {
  /** Checks that the topic can take every event of these shards: partitions, retention, size of messages. */
  check(shards: readonly Shard[]): Promise<void>;
  /** A new writer of a shard. Reads where the shard's mirror ends, so it opens before anything is sent. */
  open(shard: Shard): Promise<MirrorWriter>;
  close(): Promise<void>;
}

/**
 * Appends a shard's events in order, one call at a time.
 * @throws outcome_unknown: repeat the identical events on this writer, or open another; other events would be
 * acknowledged and lost
 */
export interface MirrorWriter {
  readonly end: MirrorEnd;
  /** The most bytes and events that one `append` takes. */
  readonly bytesMax: number;
  readonly eventsMax: number;
  append(events: readonly StoredEvent[]): Promise<void>;
  close(): Promise<void>;
}

/** The bytes that an event takes in a batch, at most: payload, key, headers and their lengths. */
export function mirroredSize(event: StoredEvent): number {
  return event.data.length + event.type.length + RECORD_OVERHEAD;
}

const RECORD_OVERHEAD = 300;
