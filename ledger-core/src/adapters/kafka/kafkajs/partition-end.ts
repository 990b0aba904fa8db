import { randomUUID } from "node:crypto";
import type { Kafka, KafkaMessage } from "kafkajs";
import { LedgerError } from "../../../domain/errors.ts";
import { NO_REVISION, type Shard } from "../../../domain/position.ts";
import type { MirrorEnd } from "../../../ports/mirror-target.ts";
import type { KafkaTuning } from "../connection.ts";
import { eventOf } from "../records.ts";
import { refusal } from "./errors.ts";
import { openPartitionReader } from "./partition-reader.ts";
import { received } from "./received.ts";

export type Partition = {
  readonly client: Kafka;
  readonly topic: string;
  readonly shard: Shard;
  readonly tuning: Required<KafkaTuning>;
};

/** How many records to read from the end; one is enough unless there are foreign records. */
const windows = [1, 100, 5_000];

/**
 * Reads the newest event of a shard's partition, skipping foreign records. There is none if the partition is empty or
 * all its events have expired; the mirror then starts at revision 0, and readers drop the events they know.
 */
export async function readEnd(partition: Partition): Promise<MirrorEnd> {
  const { topic, shard } = partition;
  const { low, high } = await boundsOf(partition);
  for (const window of windows) {
    const from = Math.max(low, high - window);
    const messages: KafkaMessage[] = [];
    for await (const piece of readRange(partition, from, high)) messages.push(...piece);
    for (const [back, message] of messages.toReversed().entries()) {
      const event = eventOf(shard, received(message));
      if (event) return { revision: event.revision, event, foreign: back };
    }
    if (from === low) return { revision: NO_REVISION, event: undefined, foreign: messages.length };
  }
  throw refusal(`the last ${windows.at(-1)} records of partition ${shard} of topic ${topic} are not the ledger's`);
}

export type PartitionBounds = { readonly low: number; readonly high: number };

/** The first offset that a partition holds, and the offset after its last record. */
export async function boundsOf({ client, topic, shard }: Omit<Partition, "tuning">): Promise<PartitionBounds> {
  const admin = client.admin();
  try {
    await admin.connect();
    const bounds = (await admin.fetchTopicOffsets(topic)).find(({ partition }) => partition === shard);
    if (!bounds) throw refusal(`topic ${topic} has no partition ${shard}`);
    return { low: Number(bounds.low), high: Number(bounds.high) };
  } finally {
    await admin.disconnect();
  }
}

/** Reads the records from `from` up to but not including `to`, with a consumer group of its own. */
export async function* readRange(partition: Partition, from: number, to: number): AsyncGenerator<KafkaMessage[]> {
  if (from >= to) return;
  const { shard, topic, tuning } = partition;
  const reader = openPartitionReader({ ...partition, group: `payledger-mirror-${randomUUID()}` });
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), tuning.requestTimeoutMs);
  try {
    for await (const { messages } of reader.read(shard, from, late.signal)) {
      timer.refresh();
      yield messages.filter(({ offset }) => Number(offset) < to);
      if (Number(messages.at(-1)?.offset) >= to - 1) return;
    }
    throw new LedgerError("broker_unavailable", `partition ${shard} of topic ${topic} gives no records`);
  } finally {
    clearTimeout(timer);
    await reader.close();
  }
}
