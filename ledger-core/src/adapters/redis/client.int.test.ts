import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { assert } from "../../domain/errors.ts";
import { findRedis, type RedisServer, startRedis, startRedisCluster } from "../../testing/engines/redis/redis.ts";
import { connectRedis, type RedisClient } from "./client.ts";
import type { RedisConnection, RedisTuning } from "./connection.ts";
import { redisScript } from "./script.ts";

const source = await findRedis();
const count = redisScript("return redis.call('INCRBY', KEYS[1], ARGV[1])");
const slow = redisScript("for i = 1, 1e9 do if redis.call('EXISTS', KEYS[1]) > 1 then return i end end");

function client(connection: RedisConnection, tuning: Partial<RedisTuning> = {}): RedisClient {
  const made = connectRedis("a test", connection, tuning);
  onTestFinished(() => made.close());
  return made;
}

const unavailable = { code: "store_unavailable", retryable: true };

describe.skipIf(source.kind !== "local")("a client of one Redis", () => {
  let server: RedisServer;
  const node = () => {
    const [first] = server.nodes;
    assert(first, "a server of this machine");
    return first;
  };
  beforeAll(async () => {
    server = await startRedis(source);
  });
  afterAll(() => server.stop());

  test("runs a script that the server does not know, and one that it knows", async () => {
    const redis = client(server.access);
    expect(await redis.run(count, ["n"], [2])).toBe(2);
    expect(await redis.run(count, ["n"], [3])).toBe(5);
    await node().command("SCRIPT", "FLUSH");
    expect(await redis.run(count, ["n"], [1])).toBe(6);
  });

  test("trusts a certificate only for the host's name and by its authority", async () => {
    const other = await startRedis(source, "elsewhere.example");
    onTestFinished(() => other.stop());
    await expect(client(other.access).run(count, ["t"], [1])).rejects.toThrow(/altnames/);
    await expect(client({ ...server.access, tls: {} }).run(count, ["t"], [1])).rejects.toThrow(/certificate/);
  });

  test("a wrong password is an error that does not repeat it", async () => {
    const credentials = { username: "payledger", password: { reveal: () => "planted" } };
    const refused = client({ ...server.access, credentials }).run(count, ["w"], [1]);
    await expect(refused).rejects.toThrow("WRONGPASS");
    await expect(refused).rejects.toMatchObject(unavailable);
    await expect(refused).rejects.not.toThrow("planted");
  });

  test("a server that is killed or does not answer is an error; then it goes on by itself", async () => {
    const redis = client(server.access, { commandMs: 300, connectMs: 500 });
    await redis.run(count, ["k"], [1]);
    const back = () => vi.waitFor(() => redis.run(count, ["k"], [1]), { timeout: 20_000 });
    node().link.hold();
    await expect(redis.run(count, ["k"], [1])).rejects.toMatchObject(unavailable);
    node().link.mend();
    await back();
    node().link.cut();
    await expect(redis.run(count, ["k"], [1])).rejects.toMatchObject(unavailable);
    node().link.mend();
    await back();
    await node().kill();
    await expect(redis.run(count, ["k"], [1])).rejects.toMatchObject(unavailable);
    await node().start();
    expect(await back()).toBe(1);
  });

  test("an unanswered script is not run again", async () => {
    const redis = client(server.access, { commandMs: 300 });
    await redis.run(count, ["once"], [1]);
    node().link.mute();
    await expect(redis.run(count, ["once"], [1])).rejects.toMatchObject(unavailable);
    node().link.mend();
    await vi.waitFor(() => redis.run(count, ["other"], [1]), { timeout: 20_000 });
    expect(await node().command("GET", "once")).toBe("2");
  });

  test("scripts under way are bounded", async () => {
    const redis = client(server.access, { underWayMax: 2 });
    const runs = await Promise.allSettled([1, 2, 3].map(() => redis.run(count, ["b"], [1])));
    expect(runs.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
  });

  test("a server that a script keeps busy is an error within its time", async () => {
    const redis = client(server.access, { commandMs: 200 });
    await redis.run(count, ["busy"], [1]);
    await expect(redis.run(slow, ["busy"], [])).rejects.toMatchObject(unavailable);
    await node().kill();
    await node().start();
  });

  test("the next token is used before the present one expires", async () => {
    let token = tokenFor(2);
    const password = { reveal: () => token };
    await node().command("ACL", "SETUSER", "object-id", "on", `>${token}`, "~*", "+@all");
    const credentials = { username: "object-id", password };
    const redis = client({ ...server.access, credentials }, { renewBeforeMs: 60_000, renewEveryMs: 20 });
    await redis.run(count, ["e"], [1]);
    const next = tokenFor(3600);
    await node().command("ACL", "SETUSER", "object-id", `>${next}`);
    const logins = async () =>
      String(await node().command("INFO", "commandstats")).match(/cmdstat_auth:calls=(\d+)/)?.[1];
    const before = await logins();
    token = next;
    await expect.poll(logins).not.toBe(before);
    await node().command("ACL", "SETUSER", "object-id", "resetpass", `>${next}`);
    node().link.cut();
    node().link.mend();
    expect(await vi.waitFor(() => redis.run(count, ["e"], [1]), { timeout: 30_000 })).toBe(2);
  });
});

/** A token that expires in some seconds. */
function tokenFor(seconds: number): string {
  const claims = { exp: Math.floor(Date.now() / 1000) + seconds };
  return `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.signature`;
}

describe.skipIf(source.kind !== "local")("a client of a cluster", () => {
  test("finds the node of each key from one address, also when one was killed", async () => {
    const cluster = await startRedisCluster(source);
    onTestFinished(() => cluster.stop());
    const redis = client({ ...cluster.access, nodes: cluster.access.nodes.slice(1, 2) });
    const keys = Array.from({ length: 12 }, (_, n) => `{${n}}`);
    const all = () =>
      Promise.all(keys.map((key) => vi.waitFor(() => redis.run(count, [key], [1]), { timeout: 30_000 })));
    await all();
    for (const node of cluster.nodes) expect(await node.command("DBSIZE")).toBeGreaterThan(0);
    const [node] = cluster.nodes;
    assert(node, "a node of this machine");
    await node.kill();
    await node.start();
    const counts = await all();
    expect(new Set(counts)).toEqual(new Set([1, 2]));
  });
});
