import { randomUUID } from "node:crypto";
import { Consumer, findErrorBy } from "@platformatic/kafka";
import type { Shard } from "../../../domain/position.ts";
import type { Fetched, PartitionReader } from "../client.ts";
import { type GroupMember, joinGroup } from "./group-member.ts";
import { receivedFrom } from "./received.ts";
import { type ClientSettings, closeClient, guarded } from "./settings.ts";
import { within } from "./within.ts";

/** The most bytes of a fetch; a larger first batch comes whole. */
const FETCH_BYTES = 1_048_576;

export type ReaderParts = {
  readonly settings: ClientSettings;
  /** Undefined: reads every partition, and joins no group. */
  readonly group: string | undefined;
  readonly startOf: (shard: Shard) => Promise<number>;
};

/** Fetches by offset, with a connection per partition: a fetch that waits for records blocks its connection. */
export function openPartitionReader({ settings, group, startOf }: ReaderParts): PartitionReader {
  const closed = new AbortController();
  let member: GroupMember | undefined;

  async function* read(shard: Shard, offset: number, signal: AbortSignal): AsyncGenerator<Fetched> {
    if (group !== undefined) member ??= joinGroup(settings, group);
    const ended = AbortSignal.any([signal, closed.signal]);
    const fetcher = openFetcher(settings, shard);
    try {
      for (let next = offset; ; ) {
        await member?.assigned(shard, ended);
        if (signal.aborted) return;
        if (closed.signal.aborted) throw new Error("the reader was closed");
        const fetched = await fetcher.fetch(next, ended);
        if (fetched === "ended" || (member && !member.has(shard))) continue;
        if (fetched === "out_of_range") {
          next = await startOf(shard);
          continue;
        }
        const { records, high } = fetched;
        next = fetched.next;
        if (records.length > 0) yield { records, high };
      }
    } finally {
      await fetcher.close();
    }
  }

  return {
    read,
    commit: async (shard, offset) => member?.commit(shard, offset),
    async close() {
      closed.abort();
      await member?.close();
    },
  };
}

type FetchedBatches = Fetched & { readonly next: number };

/** The client fetches for a consumer, which needs the name of a group even if it never joins it. */
function openFetcher({ options, topic, tuning, limitMs }: ClientSettings, shard: Shard) {
  const consumer = guarded(new Consumer({ ...options, groupId: `payledger-${randomUUID()}` }));
  consumer.topics.track(topic);

  async function fetchAt(offset: number): Promise<FetchedBatches> {
    const metadata = await consumer.metadata({ topics: [topic] });
    const described = metadata.topics.get(topic);
    const leader = described?.partitions[shard]?.leader;
    if (!described || leader === undefined) throw new Error(`topic ${topic} has no partition ${shard}`);
    const partition = {
      ...{ partition: shard, fetchOffset: BigInt(offset), partitionMaxBytes: FETCH_BYTES },
      ...{ currentLeaderEpoch: -1, lastFetchedEpoch: -1 },
    };
    const { responses } = await consumer.fetch({
      node: leader,
      topics: [{ topicId: described.id, partitions: [partition] }],
      ...{ minBytes: 1, maxBytes: FETCH_BYTES, maxWaitTime: tuning.fetchWaitMs },
    });
    const fetched = responses[0]?.partitions[0];
    if (!fetched) return { records: [], high: 0, next: offset };
    return { ...receivedFrom(offset, fetched.records ?? []), high: Number(fetched.highWatermark) };
  }

  return {
    async fetch(offset: number, signal: AbortSignal): Promise<FetchedBatches | "out_of_range" | "ended"> {
      const ended = Promise.withResolvers<"ended">();
      const stop = () => ended.resolve("ended");
      signal.addEventListener("abort", stop);
      try {
        return await Promise.race([within(limitMs, fetchAt(offset)), ended.promise]);
      } catch (error) {
        if (isOutOfRange(error)) return "out_of_range";
        throw error;
      } finally {
        signal.removeEventListener("abort", stop);
      }
    },
    close: () => closeClient(consumer),
  };
}

function isOutOfRange(error: unknown): boolean {
  return error instanceof Error && findErrorBy(error, "apiId", "OFFSET_OUT_OF_RANGE") !== null;
}
