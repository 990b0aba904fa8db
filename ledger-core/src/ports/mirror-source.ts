import type { Revision, Shard } from "../domain/position.ts";
import type { Delivery, StoredEvent } from "./event-log.ts";

export type MirrorRecord = { readonly offset: number; readonly event: StoredEvent | undefined };

/** The mirror as projections read it. */
export interface MirrorSource {
  /**
   * Events from `from` (inclusive) on, in order and without a repeat, and `caught_up` whenever the topic's end was
   * reached. Records that are no events of the shard are skipped and counted.
   * @throws behind_retention: the topic no longer holds `from`; the log does
   * @throws revision_gap: the topic lacks a revision that it should hold
   * @throws broker_unavailable
   */
  subscribe(shard: Shard, from: Revision, signal: AbortSignal): AsyncIterable<Delivery>;
  /**
   * Commits to the consumer group, if there is one, how much of a shard is applied. For those who watch the lag: no
   * reader starts from it. Does nothing while another member of the group has the shard.
   * @throws broker_unavailable, mirror_refused
   */
  commit(shard: Shard, applied: Revision): Promise<void>;
  /** Every record that a shard's partition holds now; `event` is undefined for a record of another writer. */
  records(shard: Shard): AsyncIterable<readonly MirrorRecord[]>;
  close(): Promise<void>;
}
