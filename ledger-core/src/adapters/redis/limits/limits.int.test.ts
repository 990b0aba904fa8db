import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { assert } from "../../../domain/errors.ts";
import { openCallerLimits } from "../../../http/caller-limits.ts";
import { followRevocations, type RevocationList } from "../../../http/revocation-list.ts";
import { createLogger } from "../../../process/log.ts";
import { findRedis, type RedisServer, startRedis, startRedisCluster } from "../../../testing/engines/redis/redis.ts";
import { revocationSuite } from "../../../testing/revocation-suite.ts";
import { connectRedis, type RedisClient } from "../client.ts";
import { openRedisQuotaCounts } from "./quota-counts.ts";
import { openRedisRevocations } from "./revocations.ts";

const source = await findRedis();
const patient = { timeout: 30_000 };
const NOW = 1_700_000_000_000_000;

describe.skipIf(source.kind !== "local").each([
  ["one Redis", startRedis],
  ["a cluster", startRedisCluster],
] as const)("limits in %s", (_name, start) => {
  let server: RedisServer;
  const clients: RedisClient[] = [];
  beforeAll(async () => {
    server = await start(source);
  });
  afterAll(() => server?.stop());

  function connect(): RedisClient {
    const client = connectRedis("limits", server.access);
    clients.push(client);
    return client;
  }
  const flush = async () => {
    for (const node of server.nodes) await node.command("FLUSHALL");
  };
  const node = () => {
    const [first] = server.nodes;
    assert(first, "a server of this machine");
    return first;
  };

  revocationSuite("Redis", async () => {
    await flush();
    const open = () => openRedisRevocations(connect(), { pageMax: 3 });
    const store = open();
    // A new client of a cluster may have no connection yet to the node that it needs.
    await vi.waitFor(() => store.read(undefined), patient);
    return {
      store,
      reader: open,
      async reopen() {
        await store.close();
        return open();
      },
      lose: flush,
      async dispose() {
        for (const client of clients.splice(0)) await client.close();
      },
    };
  });

  describe("revocations", () => {
    beforeEach(flush);
    const open = () => {
      const store = openRedisRevocations(connect());
      onTestFinished(() => store.close());
      return store;
    };
    const revocation = (id: string) => ({ tenant: "t", id, revokedAt: NOW, until: NOW + 1 });
    /** Where the key of all of them is. */
    const command = async (name: string, ...args: readonly string[]) => {
      for (const { command: run } of server.nodes) await run(name, ...args).catch(() => undefined);
    };

    test.each([":kept", ":order", ":until", ""])("a key %s that was evicted is noticed", async (ending) => {
      const store = open();
      for (const id of ["a", "b"]) await store.add(revocation(id));
      const { cursor } = await store.read(undefined);
      await command("DEL", `{payledger:revocations}${ending}`);
      expect((await store.read(cursor)).cursor.generation).not.toBe(cursor.generation);
      await store.add(revocation("c"));
      expect((await store.read(cursor)).revocations).toEqual([revocation("c")]);
    });

    test("a failover that lost the last ones is noticed by those who have seen them", async () => {
      const store = open();
      await store.add(revocation("a"));
      const { cursor: earlier } = await store.read(undefined);
      await store.add(revocation("b"));
      const { cursor } = await store.read(undefined);
      // As a replica that did not get the last write.
      const root = "{payledger:revocations}";
      await command("HSET", root, "sequence", String(earlier.sequence));
      await command("HDEL", `${root}:kept`, "t b");
      for (const ending of [":order", ":until"]) await command("ZREM", root + ending, "t b");
      const page = await store.read(cursor);
      expect(page.cursor.generation).not.toBe(cursor.generation);
      expect(page.revocations).toEqual([revocation("a")]);
      await store.add(revocation("c"));
      expect((await store.read(page.cursor)).revocations).toEqual([revocation("c")]);
    });

    test("many expired ones are dropped at once", async () => {
      const store = open();
      const ids = Array.from({ length: 2500 }, (_, n) => `n${n}`);
      await vi.waitFor(() => store.read(undefined), patient);
      for (let from = 0; from < ids.length; from += 500)
        await Promise.all(ids.slice(from, from + 500).map((id) => store.add(revocation(id))));
      await store.add({ ...revocation("later"), until: NOW + 3 });
      expect(await store.dropExpired(NOW + 2)).toBe(1);
      expect((await store.read(undefined)).revocations.map(({ id }) => id)).toEqual(["later"]);
    });

    test("without Redis they are unavailable", async () => {
      const client = connectRedis("limits", { nodes: ["127.0.0.1:1"] });
      onTestFinished(() => client.close());
      const away = { name: "LedgerError", code: "revocations_unavailable", retryable: true };
      await expect(openRedisRevocations(client).read(undefined)).rejects.toMatchObject(away);
    });
  });

  test("requests are counted together, by window and key, and forgotten after the next window", async () => {
    await flush();
    const [one, two] = [openRedisQuotaCounts(connect()), openRedisQuotaCounts(connect())];
    const window = { seconds: 60, number: 28_333_334 };
    const keys = ["caller acme alice", "tenant acme"];
    const counts = (count: number) => keys.map((key) => ({ key, count }));
    expect(await one.add(window, counts(2))).toEqual([2, 2]);
    expect(await two.add(window, [...counts(3), { key: "caller acme bob", count: 1 }])).toEqual([5, 5, 1]);
    expect(await one.add({ ...window, number: window.number + 1 }, counts(1))).toEqual([1, 1]);
    expect(await one.add({ ...window, seconds: 30 }, counts(1))).toEqual([1, 1]);
    expect(await one.add(window, [])).toEqual([]);
    const many = Array.from({ length: 1000 }, (_, n) => ({ key: `caller acme ${n}`, count: n }));
    expect(await two.add(window, many)).toEqual(many.map(({ count }) => count));
    if (server.nodes.length === 1) {
      const left = Number(await node().command("TTL", `{payledger:quotas}:60:${window.number}`));
      expect(left).toBeGreaterThan(60);
      expect(left).toBeLessThanOrEqual(120);
    }
    for (const client of clients.splice(0)) await client.close();
  });
});

describe.skipIf(source.kind !== "local")("processes that follow the revocations in one Redis", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis(source);
  });
  afterAll(() => server?.stop());

  const revoked = expect.objectContaining({ name: "Problem", code: "unauthorized" });
  const tooOld = expect.objectContaining({ name: "LedgerError", code: "revocations_unavailable" });
  const hourAhead = () => (Date.now() + 3_600_000) * 1000;

  function follow(writes: boolean): RevocationList {
    const tuning = { commandMs: 300, connectMs: 500 };
    const store = openRedisRevocations(connectRedis("revoked tokens", server.access, tuning));
    const list = followRevocations({ store, writes, everyMs: 20, maxAgeMs: 1500 });
    onTestFinished(() => list.close());
    return list;
  }
  const becomes = (what: () => void, fault: unknown) =>
    vi.waitFor(() => expect(what).toThrow(fault as Error), { timeout: 20_000, interval: 10 });
  const works = (what: () => void) => vi.waitFor(what, { timeout: 20_000, interval: 10 });

  test("learn of each other's, fail closed without Redis, and restore what it lost", async () => {
    const [writer, reader] = [follow(true), follow(false)];
    const revoke = (id: string) =>
      writer.revoke({ tenant: "t", id, revokedAt: 1, until: hourAhead() }, { operator: true });
    await works(() => reader.check("t", ["a"]));
    await works(() => writer.check("t", ["a"]));
    await revoke("a");
    await becomes(() => reader.check("t", ["a"]), revoked);
    const [node] = server.nodes;
    assert(node, "a server of this machine");

    node.link.hold();
    await becomes(() => reader.check("t", ["b"]), tooOld);
    await expect(revoke("b")).rejects.toEqual(tooOld);
    node.link.mend();
    await works(() => reader.check("t", ["b"]));
    expect(() => reader.check("t", ["a"])).toThrow(revoked);

    await node.command("FLUSHALL");
    const started = follow(false);
    await becomes(() => started.check("t", ["a"]), revoked);
    expect(() => reader.check("t", ["a"])).toThrow(revoked);
  });

  /** A service, with a data folder of its own. It polls so seldom that faults come first. */
  async function startService(folder: string, writes: boolean) {
    const limits = await openCallerLimits({
      ...{
        target: { kind: "redis", ...server.access },
        file: join(folder, "revocations.sqlite"),
        writes,
        policies: {},
      },
      ...{ tuning: { everyMs: 1000, maxAgeMs: 60_000 }, logger: createLogger({ name: "test", level: "silent" }) },
    });
    let closing: Promise<void> | undefined;
    const end = () => (closing ??= limits.close());
    onTestFinished(end);
    const { revocations } = limits;
    await vi.waitFor(() => revocations.refresh(), patient);
    return { revocations, end };
  }
  async function newFolder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "payledger-limits-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    return folder;
  }
  const loseAll = () => server.nodes[0]?.command("FLUSHALL");

  test("an acknowledged revocation outlives a Redis that loses it and the service that revoked", async () => {
    const folder = await newFolder();
    const first = await startService(folder, true);
    await first.revocations.revoke({ tenant: "t", id: "x", revokedAt: 1, until: hourAhead() }, { operator: true });
    // Nobody has read it so far.
    await loseAll();
    await first.end();

    const again = await startService(folder, true);
    expect(() => again.revocations.check("t", ["x"])).toThrow(revoked);
    const other = await startService(await newFolder(), false);
    expect(() => other.revocations.check("t", ["x"])).toThrow(revoked);
  });

  test("a service that only follows restores what Redis lost after the one that revoked has ended", async () => {
    const first = await startService(await newFolder(), true);
    await first.revocations.revoke({ tenant: "t", id: "y", revokedAt: 1, until: hourAhead() }, { operator: true });
    const follower = await startService(await newFolder(), false);
    expect(() => follower.revocations.check("t", ["y"])).toThrow(revoked);
    await first.end();
    await loseAll();
    await follower.revocations.refresh();
    const other = await startService(await newFolder(), false);
    expect(() => other.revocations.check("t", ["y"])).toThrow(revoked);
  });
});
