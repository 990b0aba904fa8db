import { Consumer } from "@platformatic/kafka";
import type { Shard } from "../../../domain/position.ts";
import { type ClientSettings, closeClient, guarded } from "./settings.ts";
import { within } from "./within.ts";

/** A member of a consumer group, which only places the work: it fetches nothing. */
export type GroupMember = {
  /** Waits until the group assigns a partition to this member. @throws the client's error if it lost the group */
  assigned(shard: Shard, signal: AbortSignal): Promise<void>;
  has(shard: Shard): boolean;
  /** Does nothing for a partition that is not ours. */
  commit(shard: Shard, offset: number): Promise<void>;
  close(): Promise<void>;
};

export function joinGroup({ options, topic, tuning, limitMs }: ClientSettings, group: string): GroupMember {
  const consumer = guarded(
    new Consumer({
      ...options,
      // A coordinator that is loading or moving is asked again.
      retries: tuning.clientRetries,
      groupId: group,
      sessionTimeout: tuning.sessionTimeoutMs,
      rebalanceTimeout: tuning.sessionTimeoutMs,
      heartbeatInterval: tuning.sessionTimeoutMs / 10,
    }),
  );
  let shards = new Set<Shard>();
  let failure: unknown;
  let change = Promise.withResolvers<void>();

  function changed(): void {
    change.resolve();
    change = Promise.withResolvers();
  }
  function fail(error: unknown): void {
    failure ??= error;
    shards = new Set();
    changed();
  }
  consumer.on("consumer:group:join", ({ assignments = [] }) => {
    shards = new Set(assignments.filter((own) => own.topic === topic).flatMap((own) => own.partitions));
    changed();
  });
  consumer.on("error", fail);
  consumer.on("consumer:heartbeat:stalled", () => fail(new Error("the group does not answer our heartbeats")));
  consumer.topics.track(topic);
  consumer.joinGroup({}).catch(fail);

  return {
    has: (shard) => shards.has(shard),
    async assigned(shard, signal) {
      const aborted = Promise.withResolvers<void>();
      const stop = () => aborted.resolve();
      signal.addEventListener("abort", stop);
      try {
        while (!shards.has(shard) && !signal.aborted) {
          if (failure !== undefined) throw failure;
          await Promise.race([change.promise, aborted.promise]);
        }
      } finally {
        signal.removeEventListener("abort", stop);
      }
    },
    async commit(shard, offset) {
      if (!shards.has(shard)) return;
      const offsets = [{ topic, partition: shard, offset: BigInt(offset), leaderEpoch: -1 }];
      await within(limitMs, consumer.commit({ offsets }));
    },
    async close() {
      fail(new Error("the reader was closed"));
      await closeClient(consumer);
    },
  };
}
