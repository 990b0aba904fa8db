import { Cluster, Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { assert } from "../../../domain/errors.ts";
import { findRedis, type RedisServer, startRedis, startRedisCluster, untilJoined } from "./redis.ts";

const source = await findRedis();

/** A client for the access of a server. */
function connect({ access }: RedisServer): Redis | Cluster {
  const { username, password } = { username: access.credentials?.username, password: access.credentials?.password };
  const options = {
    ...(username !== undefined && password && { username, password: password.reveal() }),
    ...(access.tls && { tls: { ...access.tls, servername: "localhost" } }),
  };
  const nodes = access.nodes.map((node) => ({ host: node.split(":")[0] ?? "", port: Number(node.split(":")[1]) }));
  if (nodes.length > 1)
    return new Cluster(nodes, { redisOptions: options, dnsLookup: (host, found) => found(null, host) });
  return new Redis({ ...nodes[0], ...options });
}

describe.skipIf(source.kind !== "local")("a Redis for tests", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis(source);
  });
  afterAll(() => server.stop());

  test("serves its user by TLS, who may not administer it", async () => {
    const client = connect(server);
    expect(await client.set("a", "1")).toBe("OK");
    await expect(client.flushall()).rejects.toThrow("NOPERM");
    client.disconnect();
  });

  test("loses everything when it is killed, and after a snapshot only what came later", async () => {
    const [node] = server.nodes;
    assert(node, "a server of this machine");
    await node.command("SET", "a", 1);
    await node.snapshot();
    await node.command("SET", "b", 1);
    await node.kill();
    await node.start();
    expect(await node.command("KEYS", "*")).toEqual(["a"]);
    await node.kill();
    await node.start();
    expect(await node.command("KEYS", "*")).toEqual([]);
  });
});

describe.skipIf(source.kind !== "local")("a cluster of Redis for tests", () => {
  test("clients find each node by its host name, also after one was restarted", async () => {
    const cluster = await startRedisCluster(source);
    try {
      const client = connect(cluster);
      const keys = Array.from({ length: 30 }, (_, n) => `key-${n}`);
      const write = async () => {
        for (const key of keys) await client.set(key, key);
        for (const key of keys) expect(await client.get(key)).toBe(key);
      };
      await write();
      for (const node of cluster.nodes) expect(await node.command("DBSIZE")).toBeGreaterThan(0);
      const [node] = cluster.nodes;
      assert(node, "a node of this machine");
      await node.kill();
      await node.start();
      for (const one of cluster.nodes) await untilJoined(one);
      expect(await node.command("DBSIZE")).toBe(0);
      await write();
      client.disconnect();
    } finally {
      await cluster.stop();
    }
  });
});
