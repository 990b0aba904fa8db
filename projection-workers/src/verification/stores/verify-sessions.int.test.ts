import { join } from "node:path";
import { assert, type SessionChange } from "ledger-core";
import { openSqliteLog } from "ledger-core/event-log";
import { connectRedis, openSessionStore } from "ledger-core/redis";
import { examples, randomHistory, seeded } from "ledger-core/testing";
import { findRedis, type RedisServer, startRedis } from "ledger-core/testing/engines/redis";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { sessionsToCompare } from "../../projections/list.ts";
import { sessionProjection } from "../../projections/session/projection.ts";
import { appendAll, testFolder } from "../../testing/stores.ts";
import { verifyStores } from "./verify-stores.ts";

const source = await findRedis();
const seed = Math.floor(Math.random() * 2 ** 31);
const events = randomHistory(seed, 300);
const head = events.length - 1;
const sessions = events.flatMap((event) => sessionProjection.project(event));
const ghost = `${examples.TENANT}/ghost`;

type Command = (name: string, ...args: readonly (string | number)[]) => Promise<unknown>;

/** A change behind everybody's back, and how its report names it. `base` is the key of the generation. */
type Change = (drawn: { readonly base: string; readonly redis: Command; readonly account: Opened }) => Promise<object>;
type Opened = Extract<SessionChange, { kind: "account" }>["account"];

const ownerOf = ({ tenant, owner }: Opened) => `${tenant}/${owner}`;

const changes: Readonly<Record<string, Change>> = {
  async "a balance"({ base, redis, account: { id } }) {
    const balance = String(await redis("HGET", base, id));
    const [, before] = /^"([^"]*)"/.exec(balance) ?? [];
    await redis("HSET", base, id, balance.replace(/^"[^"]*"/, '"987654321"'));
    const named = { table: "session_accounts", key: id, account: id, column: "posted" };
    return { ...named, expected: before, found: "987654321", event: expect.stringMatching(/^evt_/) };
  },
  async "a held amount"({ base, redis, account: { id } }) {
    await redis("HINCRBY", base, `h:${id}`, 1);
    return { table: "session_accounts", key: id, column: "held" };
  },
  async "an account's place"({ base, redis, account }) {
    const field = `o:${ownerOf(account)}`;
    const text = String(await redis("HGET", `${base}:index`, field));
    await redis("HSET", `${base}:index`, field, text + account.id);
    return { table: "session_owners", key: `0/${ownerOf(account)}`, column: "latest" };
  },
  async "a movement"({ base, redis, account }) {
    const key = `${base}:m:${ownerOf(account)}`;
    const text = String(await redis("LINDEX", key, -1));
    await redis("LSET", key, -1, text.replace(/^((?:[^,]*,){4})"[^"]*"/, '$1"42424242"'));
    const event = expect.stringMatching(/^evt_/);
    return { table: "session_movements", key: `0/${ownerOf(account)}/0`, column: "amount", found: "42424242", event };
  },
  async "a missing movement"({ base, redis, account }) {
    await redis("RPOP", `${base}:m:${ownerOf(account)}`);
    return { table: "session_movements", key: `0/${ownerOf(account)}/0` };
  },
  async "a missing owner"({ base, redis, account }) {
    const owner = ownerOf(account);
    await redis("DEL", `${base}:m:${owner}`);
    await redis("HDEL", `${base}:index`, `o:${owner}`);
    return { table: "session_owners", key: `0/${owner}`, column: null, found: null };
  },
  async "a missing account"({ base, redis, account: { id } }) {
    await redis("HDEL", base, id, ...["t", "h", "s"].map((field) => `${field}:${id}`));
    await redis("HDEL", `${base}:index`, id);
    return { table: "session_accounts", key: id, column: null, found: null, account: id };
  },
  async "a surplus owner"({ base, redis }) {
    await redis("HSET", `${base}:index`, `o:${ghost}`, "0 0");
    return { table: "session_owners", key: ghost, column: null, expected: null };
  },
  async "a surplus key"({ base, redis, account }) {
    await redis("LPUSH", `${base}:m:${ghost}`, account.id);
    return { table: "session_owners", key: ghost, column: null, expected: null };
  },
  async "a surplus account"({ base, redis }) {
    const id = examples.accountId(999_999);
    await redis("HSET", base, `h:${id}`, 5);
    return { table: "session_accounts", key: id, column: null, expected: null };
  },
  async "an earlier revision"({ base, redis }) {
    await redis("HSET", base, "revision", Math.floor(head / 2));
    return { table: expect.stringMatching(/^session_/) };
  },
  async "a revision beyond the log's head"({ base, redis }) {
    await redis("HSET", base, "revision", head + 1);
    return { table: "checkpoints", column: "revision", expected: head, found: head + 1 };
  },
};

describe.skipIf(source.kind !== "local")("session views in Redis", () => {
  let server: RedisServer;
  const redis: Command = (...command) => {
    const [node] = server.nodes;
    assert(node, "a server of this machine");
    return node.command(...command);
  };
  beforeAll(async () => {
    server = await startRedis(source);
  });
  afterAll(() => server.stop());

  test(`equal; then each change is found and named (seed ${seed})`, { timeout: 180_000 }, async () => {
    const folder = await testFolder();
    const log = await openSqliteLog({ file: join(folder, "events.sqlite") });
    onTestFinished(() => log.close());
    await appendAll(log, events);
    const client = connectRedis("session views", server.access);
    onTestFinished(() => client.close());
    const store = openSessionStore({ redis: client });
    const groups = [await sessionsToCompare("sessions", server.access)];
    const tuning = { fillMax: 100, pauseMs: 0, waitMs: 0 };
    const verified = () => verifyStores({ log, shards: [0], groups, scratch: folder, tuning });
    const next = seeded(seed);
    const moved = sessions.flatMap((change) => (change.kind === "movement" ? [change.entry.account] : []));
    const opened = sessions.flatMap((change) => (change.kind === "account" ? [change.account] : []));

    expect((await verified()).verdict, "empty").toBe("unknown");
    for (const [kind, change] of Object.entries(changes)) {
      await redis("FLUSHALL");
      const begun = await store.begin(0);
      await store.target(begun).apply(0, -1, head, sessions);
      expect((await verified()).verdict, "not served").toBe("unknown");
      await store.serve(0, begun.generation);
      expect(await verified()).toMatchObject({ verdict: "equal", stores: [{ store: "sessions", verdict: "equal" }] });

      const id = moved[next(moved.length)];
      const account = opened.find((one) => one.id === id);
      assert(account, "an account that moved was opened");
      const named = await change({ base: `{payledger:0}:session-views:${begun.generation}`, redis, account });
      const { verdict, stores } = await verified();
      const told = JSON.stringify({ kind, id, stores }, (_, cell) => (typeof cell === "bigint" ? `${cell}` : cell));
      expect(verdict, told).toBe("differs");
      expect(stores[0]?.first, told).toMatchObject(named);
    }
  });

  test("no false alarm while events are appended and applied", async () => {
    const folder = await testFolder();
    await redis("FLUSHALL");
    const log = await openSqliteLog({ file: join(folder, "events.sqlite"), shared: true });
    onTestFinished(() => log.close());
    const client = connectRedis("session views", server.access);
    onTestFinished(() => client.close());
    const store = openSessionStore({ redis: client });
    const groups = [await sessionsToCompare("sessions", server.access)];
    const apply = async (from: number, to: number) => {
      const part = events.slice(from, to + 1);
      await appendAll(log, part);
      const begun = await store.begin(0);
      await store.target(begun).apply(0, from - 1, to, part.flatMap(sessionProjection.project));
      await store.serve(0, begun.generation);
    };
    await apply(0, 49);
    let at = 49;
    const tuning = { fillMax: 100, pauseMs: 0, waitMs: 30_000 };
    const report = verifyStores({ log, shards: [0], groups, scratch: folder, tuning });
    while (at < head) {
      await apply(at + 1, Math.min(head, at + 5));
      at = Math.min(head, at + 5);
    }
    expect(await report).toMatchObject({ verdict: "equal" });
  });
});
