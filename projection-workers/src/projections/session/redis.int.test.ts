import { randomUUID } from "node:crypto";
import type { ProjectionTarget, SessionChange } from "ledger-core";
import { connectRedis, openSessionStore, openSessionView } from "ledger-core/redis";
import { sessionViewSuite } from "ledger-core/testing";
import { findRedis, type RedisServer, startRedis, startRedisCluster } from "ledger-core/testing/engines/redis";
import { afterAll, describe } from "vitest";
import { sessionProjection } from "./projection.ts";

const source = await findRedis();

describe.skipIf(source.kind === "none")("one Redis", async () => {
  if (source.kind === "none") return;
  suite("Redis", await startRedis(source));
});

describe.skipIf(source.kind !== "local")("a cluster of Redis", async () => {
  if (source.kind !== "local") return;
  suite("Redis cluster", await startRedisCluster(source));
});

function suite(name: string, server: RedisServer): void {
  const redis = connectRedis("session views", server.access);
  afterAll(async () => {
    await redis.close();
    await server.stop();
  });
  sessionViewSuite(name, sessionProjection, async () => {
    const ledger = randomUUID();
    const store = openSessionStore({ redis, ledger });
    const open = async () => {
      const begun = await store.begin(0);
      const { checkpoint, apply } = store.target(begun);
      const target: ProjectionTarget<SessionChange> = {
        checkpoint,
        async apply(shard, after, upTo, changes) {
          await apply(shard, after, upTo, changes);
          // As its keeper does once it has caught up.
          await store.serve(shard, begun.generation);
        },
      };
      return { view: openSessionView({ redis, ledger, shards: 1 }), target };
    };
    return { ...(await open()), reopen: open, dispose: async () => undefined };
  });
}
