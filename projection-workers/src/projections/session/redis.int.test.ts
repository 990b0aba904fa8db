import { randomUUID } from "node:crypto";
import type { ProjectionTarget, SessionChange } from "ledger-core";
import { connectRedis, makeApplyScript, openSessionStore, openSessionView } from "ledger-core/redis";
import { randomHistory, sessionViewSuite } from "ledger-core/testing";
import { findRedis, type RedisServer, startRedis, startRedisCluster } from "ledger-core/testing/engines/redis";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { sessionProjection } from "./projection.ts";

const source = await findRedis();

test.skipIf(source.kind === "none")("a script that does not check the revision applies a batch twice", async () => {
  const server = await startRedis(source);
  const redis = connectRedis("session views", server.access);
  onTestFinished(async () => {
    await redis.close();
    await server.stop();
  });
  const events = randomHistory(1, 20);
  const changes = events.flatMap((event) => sessionProjection.project(event));
  const twice = async (applyScript: ReturnType<typeof makeApplyScript>) => {
    const store = openSessionStore({ redis, ledger: randomUUID(), applyScript });
    const target = store.target(await store.begin(0));
    await target.apply(0, -1, events.length - 1, changes);
    await target.apply(0, -1, events.length - 1, changes);
  };
  await expect(twice(makeApplyScript())).rejects.toMatchObject({ code: "revision_gap" });
  await twice(makeApplyScript(""));
});

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
