import type { Shard } from "../../domain/position.ts";
import type { KafkaFault } from "./errors.ts";
import type { EventRecord, ReceivedRecord } from "./records.ts";

/** A client library, bound to one broker and topic. Methods throw the library's errors, which `faultOf` classifies. */
export type KafkaClient = {
  /** Undefined if the topic does not exist. */
  describeTopic(): Promise<TopicDescription | undefined>;
  /** Undefined if the topic has no such partition. */
  boundsOf(shard: Shard): Promise<PartitionBounds | undefined>;
  /** Reads a partition outside any group of projections: used for its end, and to compare it with the log. */
  openRangeReader(): PartitionReader;
  /** Opens a reader that shares the partitions with the members of its group. Default: a reader of every partition. */
  openReader(group?: string): PartitionReader;
  openSender(shard: Shard): Promise<RecordSender>;
  faultOf(error: unknown): KafkaFault;
};

/** `config` is empty if the broker does not report it, as Event Hubs under some policies. */
export type TopicDescription = { readonly partitions: number; readonly config: ReadonlyMap<string, string> };

/** The first offset that a partition holds, and the offset after its last record. */
export type PartitionBounds = { readonly low: number; readonly high: number };

/** Consecutive records of a partition, and its high watermark. */
export type Fetched = { readonly records: readonly ReceivedRecord[]; readonly high: number };

export type PartitionReader = {
  /**
   * Yields records from an offset on, while the group assigns the partition to this member. Fetches no more until the
   * caller has taken the last batch. If the broker no longer has the offset, continues at the partition's start.
   */
  read(shard: Shard, offset: number, signal: AbortSignal): AsyncIterable<Fetched>;
  /** Commits a partition's offset to the group; does nothing while the group does not assign the partition to us. */
  commit(shard: Shard, offset: number): Promise<void>;
  close(): Promise<void>;
};

/**
 * An idempotent producer of one partition. After a send whose outcome is unknown, repeating the identical batch stores
 * it once.
 */
export type RecordSender = {
  /** Returns the offset of the first record; undefined if nothing was sent, for want of the partition. */
  send(records: readonly EventRecord[]): Promise<number | undefined>;
  close(): Promise<void>;
};
