import { LedgerError } from "../../domain/errors.ts";
import { NO_REVISION, type Shard } from "../../domain/position.ts";
import type { MirrorEnd } from "../../ports/mirror-target.ts";
import type { KafkaClient, PartitionBounds } from "./client.ts";
import type { KafkaTuning } from "./connection.ts";
import { refusal } from "./errors.ts";
import { eventOf, type ReceivedRecord } from "./records.ts";

export type Partition = {
  readonly client: KafkaClient;
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
    const records: ReceivedRecord[] = [];
    for await (const piece of readRange(partition, from, high)) records.push(...piece);
    for (const [back, record] of records.toReversed().entries()) {
      const event = eventOf(shard, record);
      if (event) return { revision: event.revision, event, foreign: back };
    }
    if (from === low) return { revision: NO_REVISION, event: undefined, foreign: records.length };
  }
  throw refusal(`the last ${windows.at(-1)} records of partition ${shard} of topic ${topic} are not the ledger's`);
}

/** @throws mirror_refused if the topic has no such partition */
export async function boundsOf({ client, topic, shard }: Omit<Partition, "tuning">): Promise<PartitionBounds> {
  const bounds = await client.boundsOf(shard);
  if (!bounds) throw refusal(`topic ${topic} has no partition ${shard}`);
  return bounds;
}

/** Reads the records from `from` up to but not including `to`. */
export async function* readRange(partition: Partition, from: number, to: number): AsyncGenerator<ReceivedRecord[]> {
  if (from >= to) return;
  const { client, shard, topic, tuning } = partition;
  const reader = client.openRangeReader();
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), tuning.requestTimeoutMs);
  try {
    for await (const { records } of reader.read(shard, from, late.signal)) {
      timer.refresh();
      yield records.filter(({ offset }) => offset < to);
      if ((records.at(-1)?.offset ?? 0) >= to - 1) return;
    }
    throw new LedgerError("broker_unavailable", `partition ${shard} of topic ${topic} gives no records`);
  } finally {
    clearTimeout(timer);
    await reader.close();
  }
}
