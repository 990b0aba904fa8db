import type { Revision, Shard } from "../../domain/position.ts";
import type { Delivery } from "../../ports/event-log.ts";
import type { MirrorSource } from "../../ports/mirror-source.ts";
import { appliedOffsets } from "./applied-offsets.ts";
import type { PartitionReader } from "./client.ts";
import type { KafkaConnection, KafkaOptions } from "./connection.ts";
import { translate } from "./errors.ts";
import { expired, inSequence } from "./in-sequence.ts";
import { openClient } from "./open-client.ts";
import { boundsOf, readRange } from "./partition-end.ts";
import { eventOf } from "./records.ts";

export type SourceOptions = KafkaOptions & {
  /**
   * Processes of one group share the shards, and commit what they applied; use it for processes that write to one
   * store. Default: every shard is read, and nothing is committed.
   */
  readonly group?: string;
};

/** Opens the mirror on a Kafka topic for reading. Connects on first use. */
export function openMirrorSource(connection: KafkaConnection, options: SourceOptions): MirrorSource {
  const { logger, group } = options;
  const { topic } = connection;
  const { tuning, loaded, faultOf } = openClient(connection, options);
  /** Shared by all subscriptions until it fails; the next subscription opens a new one. */
  let shared: PartitionReader | undefined;
  const offsets = new Map<Shard, ReturnType<typeof appliedOffsets>>();

  async function* subscribe(shard: Shard, from: Revision, signal: AbortSignal): AsyncGenerator<Delivery> {
    try {
      const client = await loaded();
      const { low, high } = await boundsOf({ client, topic, shard });
      if (low === high && high > from) throw expired(shard, from);
      const sequence = inSequence(shard, from, low);
      // An event's offset is never below its revision.
      const start = Math.max(low, Math.min(from, high));
      const passed = appliedOffsets(from, start);
      offsets.set(shard, passed);
      shared ??= client.openReader(group);
      if (start >= high) yield { kind: "caught_up", head: from - 1 };
      for await (const fetched of shared.read(shard, start, signal)) {
        const { events, foreign, fault } = sequence.take(fetched.records);
        const offset = (fetched.records.at(-1)?.offset ?? -1) + 1;
        if (!fault) passed.read(sequence.next() - 1, offset);
        if (foreign > 0) logger.warn({ shard, foreign, topic }, "records of other writers in the mirror");
        if (events.length > 0) yield { kind: "events", events };
        if (fault) throw fault;
        if (offset >= fetched.high) yield { kind: "caught_up", head: sequence.next() - 1 };
      }
    } catch (error) {
      const fault = translate(error, topic, faultOf);
      if (fault.code === "broker_unavailable" && shared) {
        const failed = shared;
        shared = undefined;
        await failed.close();
      }
      throw fault;
    }
  }

  return {
    subscribe,
    async commit(shard, applied) {
      const offset = offsets.get(shard)?.after(applied);
      if (group === undefined || offset === undefined) return;
      try {
        await shared?.commit(shard, offset);
      } catch (error) {
        throw translate(error, topic, faultOf);
      }
    },
    async *records(shard) {
      try {
        const client = await loaded();
        const { low, high } = await boundsOf({ client, topic, shard });
        for await (const records of readRange({ client, topic, shard, tuning }, low, high))
          yield records.map((record) => ({ offset: record.offset, event: eventOf(shard, record) }));
      } catch (error) {
        throw translate(error, topic, faultOf);
      }
    },
    close: async () => shared?.close(),
  };
}
