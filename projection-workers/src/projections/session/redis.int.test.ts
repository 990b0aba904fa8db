import { randomUUID } from "node:crypto";
import { assert, type ProjectionTarget, SESSION_MOVEMENTS_MAX, type SessionChange } from "ledger-core";
import { connectRedis, makeApplyScript, openSessionStore, openSessionView } from "ledger-core/redis";
import { examples, given, randomHistory, sessionViewSuite } from "ledger-core/testing";
import { findRedis, type RedisServer, startRedis, startRedisCluster } from "ledger-core/testing/engines/redis";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
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

describe.skipIf(source.kind !== "local")("session views in Redis", () => {
  let server: RedisServer;
  const command = (...parts: [string, ...(string | number)[]]) => {
    const [node] = server.nodes;
    assert(node, "a server of this machine");
    return node.command(...parts);
  };
  beforeAll(async () => {
    server = await startRedis(source);
  });
  afterAll(() => server.stop());

  /** Views of a ledger, served up to a revision. */
  async function served(ledger: string, changes: readonly SessionChange[], upTo: number) {
    const redis = connectRedis("session views", server.access, { commandMs: 30_000 });
    onTestFinished(() => redis.close());
    const store = openSessionStore({ redis, ledger });
    const begun = await store.begin(0);
    await store.target(begun).apply(0, -1, upTo, changes);
    await store.serve(0, begun.generation);
    const base = `{${ledger}:0}:session-views:${begun.generation}`;
    const target = store.target({ ...begun, served: true });
    return { store, target, view: openSessionView({ redis, ledger, shards: 1 }), base, begun };
  }

  test("a batch that needs a lost list is refused, and nobody reads the views any more", async () => {
    const [opened, first, second] = twoMovements();
    const { target, view, base, begun, store } = await served(randomUUID(), [...opened, first], 3);
    expect((await view.read(examples.TENANT, "alice")).movements).toHaveLength(1);
    await command("DEL", `${base}:m:${examples.TENANT}/alice`);
    expect((await view.read(examples.TENANT, "alice")).positions).toEqual([]);
    await expect(target.apply(0, 3, 4, [second])).rejects.toMatchObject({ code: "store_damaged" });
    expect(await view.read(examples.TENANT, "bob")).toMatchObject({ accounts: [], positions: [] });
    await expect(target.apply(0, 3, 4, [])).rejects.toMatchObject({ code: "store_damaged" });
    expect(await store.audit(0, begun.generation, "0")).toBeUndefined();
    expect((await store.begin(0)).generation).not.toBe(begun.generation);
  });

  test("a batch may change more accounts than Lua passes to one command", async () => {
    const accounts = Array.from({ length: 9000 }, (_, n) => examples.account(n + 1, "wallet", `owner-${n % 3000}`));
    const changes = accounts.map((account) => ({ kind: "account", account }) as const);
    const frozen = accounts.map(({ id }) => ({ kind: "status", account: id, status: "frozen" }) as const);
    const { target, view } = await served(randomUUID(), changes, 8999);
    await target.apply(0, 8999, 17_999, frozen);
    const { accounts: found } = await view.read(examples.TENANT, "owner-7");
    expect(found.map(({ id, status }) => [id, status])).toEqual(
      [6007, 3007, 7].map((n) => [accounts[n]?.id, "frozen"]),
    );
  });

  test("however many movements come, a list holds at most twice as many as are shown", async () => {
    const events = randomHistory(5, 600);
    const { target, base } = await served(randomUUID(), events.slice(0, 20).flatMap(sessionProjection.project), 19);
    let most = 0;
    for (const [revision, event] of events.entries()) {
      if (revision < 20) continue;
      await target.apply(0, revision - 1, revision, sessionProjection.project(event));
      for (const owner of ["owner-0", "owner-1", "shop-0"])
        most = Math.max(most, Number(await command("LLEN", `${base}:m:${examples.TENANT}/${owner}`)));
    }
    expect(most).toBeGreaterThan(SESSION_MOVEMENTS_MAX);
    expect(most).toBeLessThanOrEqual(2 * SESSION_MOVEMENTS_MAX);
  });

  test("views of the former layout are not read, and go once views are served", async () => {
    const ledger = randomUUID();
    const former = `{${ledger}:0}:sessions`;
    await command("HSET", former, "served", "abc");
    await command("HSET", `${former}:abc`, "revision", 7);
    await command("HSET", `${former}:abc:index`, "whole", 1, "o:tenant/alice", "1 0");
    await command("SET", `${former}-rebuild`, "abc");
    await command("SET", `{${ledger}:1}:sessions`, "another shard's");
    const redis = connectRedis("session views", server.access);
    onTestFinished(() => redis.close());
    expect(await openSessionView({ redis, ledger, shards: 1 }).positions()).toEqual([]);
    expect(await openSessionStore({ redis, ledger }).begin(0)).toMatchObject({ served: false });
    await served(ledger, [], 0);
    expect(await command("KEYS", `{${ledger}:*}:sessions*`)).toEqual([`{${ledger}:1}:sessions`]);
  });
});

/** The opening of three accounts, and two payments by the bank to Alice, by their changes. */
function twoMovements(): [readonly SessionChange[], SessionChange, SessionChange] {
  const accounts = [examples.account(1, "wallet", "alice"), examples.account(2, "wallet", "bob")];
  const ledger = given(...[...accounts, examples.account(4, "bank", "bank")].map(examples.opened));
  const opened = ledger.events.flatMap(sessionProjection.project);
  const moved = [1, 2].map((second) => {
    const at = ledger.at(examples.START + second * examples.SECOND_US);
    const event = at.when(examples.transfer([[examples.bank, examples.alice, 5n]])).thenAccepted("TransferPosted");
    const toAlice = sessionProjection
      .project(event)
      .find((change) => change.kind === "movement" && change.entry.account === examples.alice);
    assert(toAlice, "a movement of Alice's account");
    return toAlice;
  });
  const [first, second] = moved;
  assert(first && second, "two movements");
  return [opened, first, second];
}

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
