import type { Consumer, EachBatchPayload, Kafka } from "kafkajs";
import { LedgerError } from "../../../domain/errors.ts";
import type { Shard } from "../../../domain/position.ts";
import type { Fetched, PartitionReader } from "../client.ts";
import type { KafkaTuning } from "../connection.ts";
import { translate } from "../errors.ts";
import { faultOf } from "./errors.ts";
import { received } from "./received.ts";

export type ReaderOptions = {
  readonly client: Kafka;
  readonly topic: string;
  /** Members of a group share the partitions. */
  readonly group: string;
  readonly tuning: Required<KafkaTuning>;
};

/** One reader of a partition; `asks` is its pending request for records, `offset` its position. */
type Reading = { offset: number; asks: PromiseWithResolvers<Fetched> | undefined; bell: PromiseWithResolvers<void> };

/** The group member, and its readers by partition. */
type Member = {
  readonly consumer: Consumer;
  readonly topic: string;
  readonly heartbeatMs: number;
  readonly readings: Map<Shard, Reading>;
  readonly assigned: Set<Shard>;
  running: Promise<void> | undefined;
  failure: LedgerError | undefined;
};

/**
 * Reads partitions with one kafkajs consumer. kafkajs pushes batches and needs heartbeats, so a batch waits in the
 * handler until its reader asks for it.
 */
export function openPartitionReader({ client, topic, group, tuning }: ReaderOptions): PartitionReader {
  const heartbeatMs = tuning.sessionTimeoutMs / 10;
  const consumer = client.consumer({
    groupId: group,
    sessionTimeout: tuning.sessionTimeoutMs,
    heartbeatInterval: heartbeatMs,
    maxWaitTimeInMs: tuning.fetchWaitMs,
    metadataMaxAge: 180_000,
    retry: { restartOnFailure: async () => false },
  });
  const [readings, assigned] = [new Map<Shard, Reading>(), new Set<Shard>()];
  const member: Member = {
    ...{ consumer, topic, heartbeatMs, readings, assigned },
    ...{ running: undefined, failure: undefined },
  };
  consumer.on("consumer.crash", ({ payload }) => fail(member, payload.error));
  consumer.on("consumer.group_join", ({ payload }) => {
    assigned.clear();
    for (const shard of payload.memberAssignment[topic] ?? []) {
      assigned.add(shard);
      place(member, shard);
    }
  });
  return {
    read: (shard, offset, signal) => read(member, shard, offset, signal),
    async commit(shard, offset) {
      if (member.failure || !assigned.has(shard)) return;
      await consumer.commitOffsets([{ topic, partition: shard, offset: String(offset) }]);
    },
    async close() {
      fail(member, new LedgerError("broker_unavailable", "the reader was closed"));
      await member.running;
      await consumer.disconnect().catch(() => undefined);
    },
  };
}

function fail(member: Member, error: unknown): void {
  member.failure ??= translate(error, member.topic, faultOf);
  for (const { asks } of member.readings.values()) asks?.reject(member.failure);
}

/** Seeks to the reader's own offset, ignoring the group's; pauses a partition without a reader. */
function place({ consumer, topic, readings }: Member, shard: Shard): void {
  const reading = readings.get(shard);
  if (!reading) {
    consumer.pause([{ topic, partitions: [shard] }]);
    return;
  }
  consumer.seek({ topic, partition: shard, offset: String(reading.offset) });
  consumer.resume([{ topic, partitions: [shard] }]);
}

async function run(member: Member): Promise<void> {
  const { consumer, topic } = member;
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: 32,
    eachBatch: (payload) => deliver(member, payload),
  });
}

/** Holds a batch, with heartbeats, until its reader asks for it or the group takes the partition away. */
async function deliver({ readings, heartbeatMs }: Member, payload: EachBatchPayload): Promise<void> {
  const { batch, heartbeat, isStale, isRunning, resolveOffset } = payload;
  const { partition, messages, highWatermark } = batch;
  const last = messages.at(-1);
  const reading = readings.get(partition);
  while (readings.get(partition) === reading && reading && last && isRunning() && !isStale()) {
    if (reading.asks) {
      reading.offset = Number(last.offset) + 1;
      resolveOffset(last.offset);
      reading.asks.resolve({ records: messages.map(received), high: Number(highWatermark) });
      reading.asks = undefined;
      return;
    }
    reading.bell = Promise.withResolvers();
    await ringOr(reading.bell.promise, heartbeatMs);
    await heartbeat();
  }
}

function replaced(shard: Shard): LedgerError {
  return new LedgerError("not_ready", `partition ${shard} has another reader`);
}

async function* read(member: Member, shard: Shard, offset: number, signal: AbortSignal): AsyncGenerator<Fetched> {
  const { readings, assigned } = member;
  const reading: Reading = { offset, asks: undefined, bell: Promise.withResolvers() };
  readings.get(shard)?.asks?.reject(replaced(shard));
  readings.set(shard, reading);
  const stop = () => reading.asks?.resolve({ records: [], high: 0 });
  signal.addEventListener("abort", stop);
  try {
    member.running ??= run(member).catch((error) => fail(member, error));
    if (assigned.has(shard)) place(member, shard);
    while (!signal.aborted) {
      if (member.failure) throw member.failure;
      if (readings.get(shard) !== reading) throw replaced(shard);
      reading.asks = Promise.withResolvers();
      reading.bell.resolve();
      const fetched = await reading.asks.promise;
      if (fetched.records.length > 0) yield fetched;
    }
  } finally {
    signal.removeEventListener("abort", stop);
    if (readings.get(shard) === reading) {
      readings.delete(shard);
      if (assigned.has(shard) && !member.failure) place(member, shard);
    }
    reading.bell.resolve();
  }
}

async function ringOr(bell: Promise<void>, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([bell, promise]);
  clearTimeout(timer);
}
