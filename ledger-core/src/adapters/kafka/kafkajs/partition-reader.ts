import type { Consumer, EachBatchPayload, Kafka, KafkaMessage } from "kafkajs";
import { LedgerError } from "../../../domain/errors.ts";
import type { Shard } from "../../../domain/position.ts";
import type { KafkaTuning } from "../connection.ts";
import { translate } from "./errors.ts";

/** Consecutive records of a partition, and its high watermark. */
export type Fetched = { readonly messages: readonly KafkaMessage[]; readonly high: number };

export type PartitionReader = {
  /**
   * Yields records from an offset on, while the group assigns the partition to this member. Fetches no more until the
   * reader has taken the last batch. If the broker no longer has the offset, continues at the partition's start.
   */
  read(shard: Shard, offset: number, signal: AbortSignal): AsyncIterable<Fetched>;
  close(): Promise<void>;
};

export type ReaderOptions = {
  readonly client: Kafka;
  readonly topic: string;
  /** Members of a group share the partitions. Offsets are never committed. */
  readonly group: string;
  readonly tuning: Required<KafkaTuning>;
};

/** One reader of a partition; `asks` is its pending request for records, `offset` its position. */
type Reading = { offset: number; asks: PromiseWithResolvers<Fetched> | undefined; bell: PromiseWithResolvers<void> };

/**
 * Reads partitions with one kafkajs consumer. kafkajs pushes batches and needs heartbeats, so a batch waits in the
 * handler until its reader asks for it.
 */
export function openPartitionReader({ client, topic, group, tuning }: ReaderOptions): PartitionReader {
  const readings = new Map<Shard, Reading>();
  const assigned = new Set<Shard>();
  const consumer = client.consumer({
    groupId: group,
    sessionTimeout: tuning.sessionTimeoutMs,
    heartbeatInterval: tuning.sessionTimeoutMs / 10,
    maxWaitTimeInMs: tuning.fetchWaitMs,
    metadataMaxAge: 180_000,
    retry: { restartOnFailure: async () => false },
  });
  let failure: LedgerError | undefined;
  const fail = (error: unknown) => {
    failure ??= translate(error, topic);
    for (const { asks } of readings.values()) asks?.reject(failure);
  };
  consumer.on("consumer.crash", ({ payload }) => fail(payload.error));
  consumer.on("consumer.group_join", ({ payload }) => {
    assigned.clear();
    for (const shard of payload.memberAssignment[topic] ?? []) {
      assigned.add(shard);
      place(shard);
    }
  });

  /** Seeks to the reader's own offset, ignoring the group's; pauses a partition without a reader. */
  function place(shard: Shard): void {
    const reading = readings.get(shard);
    if (!reading) {
      consumer.pause([{ topic, partitions: [shard] }]);
      return;
    }
    consumer.seek({ topic, partition: shard, offset: String(reading.offset) });
    consumer.resume([{ topic, partitions: [shard] }]);
  }

  async function deliver({ batch, heartbeat, isStale, isRunning, resolveOffset }: EachBatchPayload): Promise<void> {
    const { partition, messages, highWatermark } = batch;
    const last = messages.at(-1);
    const reading = readings.get(partition);
    while (readings.get(partition) === reading && reading && last && isRunning() && !isStale()) {
      if (reading.asks) {
        reading.offset = Number(last.offset) + 1;
        resolveOffset(last.offset);
        reading.asks.resolve({ messages, high: Number(highWatermark) });
        reading.asks = undefined;
        return;
      }
      reading.bell = Promise.withResolvers();
      await ringOr(reading.bell.promise, tuning.sessionTimeoutMs / 10);
      await heartbeat();
    }
  }

  let running: Promise<void> | undefined;
  const run = async () => {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 32,
      eachBatch: deliver,
    });
  };

  async function* read(shard: Shard, offset: number, signal: AbortSignal): AsyncGenerator<Fetched> {
    const reading: Reading = { offset, asks: undefined, bell: Promise.withResolvers() };
    readings.get(shard)?.asks?.reject(new LedgerError("not_ready", `partition ${shard} has another reader`));
    readings.set(shard, reading);
    const stop = () => reading.asks?.resolve({ messages: [], high: 0 });
    signal.addEventListener("abort", stop);
    try {
      running ??= run().catch(fail);
      if (assigned.has(shard)) place(shard);
      while (!signal.aborted) {
        if (failure) throw failure;
        reading.asks = Promise.withResolvers();
        reading.bell.resolve();
        const fetched = await reading.asks.promise;
        if (fetched.messages.length > 0) yield fetched;
      }
    } finally {
      signal.removeEventListener("abort", stop);
      if (readings.get(shard) === reading) {
        readings.delete(shard);
        if (assigned.has(shard) && !failure) place(shard);
      }
      reading.bell.resolve();
    }
  }

  return { read, close: () => closeConsumer(consumer, running, fail) };
}

async function closeConsumer(
  consumer: Consumer,
  running: Promise<void> | undefined,
  fail: (error: unknown) => void,
): Promise<void> {
  fail(new LedgerError("broker_unavailable", "the reader was closed"));
  await running;
  await consumer.disconnect().catch(() => undefined);
}

async function ringOr(bell: Promise<void>, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([bell, promise]);
  clearTimeout(timer);
}
