import { randomInt, randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { assert, isLedgerError, type LedgerEvent, type Session, type SessionView } from "ledger-core";
import { connectRedis, openSessionStore, openSessionView } from "ledger-core/redis";
import { examples, openTestLog, randomHistory, seeded } from "ledger-core/testing";
import { findRedis, type RedisServer, startRedis } from "ledger-core/testing/engines/redis";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { sessionProjection } from "../projections/session/projection.ts";
import { memorySession } from "../testing/memory-session.ts";
import { appendAll, quiet } from "../testing/stores.ts";
import { keepSessions } from "./keep-sessions.ts";
import type { ProjectionReport } from "./reports.ts";

const source = await findRedis();
const owners = ["owner-0", "owner-1", "owner-2", "owner-3", "shop-0", "shop-1", "shop-2", "nobody"];
/** Patient with a busy machine: every fault is mended, so no answer has to be given up. */
const patient = { commandMs: 10_000, connectMs: 10_000, retryMs: { first: 5, most: 50 } };
const EVENTS = 150;
const STEPS = 8;

type Sessions = Readonly<Record<string, Omit<Session, "positions">>>;

async function sessionsOf(view: Pick<SessionView, "read">): Promise<Sessions> {
  const all: Record<string, Omit<Session, "positions">> = {};
  for (const owner of owners) {
    const { positions: _, ...session } = await view.read(examples.TENANT, owner);
    all[owner] = session;
  }
  return all;
}

/** The sessions after each event, by the plainest view. */
async function expectedSessions(events: readonly LedgerEvent[]): Promise<readonly Sessions[]> {
  const { view, target } = memorySession();
  const after: Sessions[] = [];
  for (const [revision, event] of events.entries()) {
    await target.apply(0, revision - 1, revision, sessionProjection.project(event));
    after.push(await sessionsOf(view));
  }
  return after;
}

describe.skipIf(source.kind !== "local")("session views in Redis", () => {
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

  /** A ledger whose session views two workers keep, as while one takes over from the other. */
  async function keptSessions(seed: number) {
    const events = randomHistory(seed, 400).slice(0, EVENTS);
    const { log } = await openTestLog();
    const ledger = randomUUID();
    const reports: ProjectionReport[] = [];
    const kept = [1, 2].map(() => {
      const redis = connectRedis("session views", server.access, patient);
      return keepSessions({
        ...{ log, shards: [0], logger: quiet, tell: (report) => reports.push(report) },
        store: openSessionStore({ redis, ledger, stepKeys: 5 }),
        tuning: { retryMs: patient.retryMs, paceMs: 1 },
        watching: { batchMax: 20, auditMs: 10, againMs: { first: 5, most: 50 } },
      });
    });
    const redis = connectRedis("session views", server.access, patient);
    const view = openSessionView({ redis, ledger, shards: 1 });
    onTestFinished(async () => {
      for (const one of kept) one.stop();
      await Promise.all(kept.map(({ finished }) => finished));
      await redis.close();
    });
    const expected = await expectedSessions(events);
    return { events, log, view, expected, reports, root: `{${ledger}:0}:session-views` };
  }

  type Kept = Awaited<ReturnType<typeof keptSessions>>;

  /** Reads every owner's session; a session that is not what it was at its position is a difference. */
  async function differences({ view, expected }: Kept): Promise<readonly string[]> {
    const found: string[] = [];
    for (const owner of owners) {
      try {
        const { positions, ...session } = await view.read(examples.TENANT, owner);
        const [at] = positions;
        if (at && !isDeepStrictEqual(session, expected[at.revision]?.[owner])) found.push(`${owner} at ${at.revision}`);
      } catch (error) {
        if (!isLedgerError(error, "store_unavailable")) throw error;
      }
    }
    return found;
  }

  const caughtUp = ({ view }: Kept, head: number) =>
    vi.waitFor(async () => expect((await view.positions())[0]?.revision).toBe(head), { timeout: 60_000, interval: 10 });

  /** Faults that arise while nothing is written. */
  const losses: readonly ((kept: Kept, next: (below: number) => number) => Promise<unknown>)[] = [
    () => node().snapshot(),
    () => node().command("FLUSHALL"),
    async () => {
      await node().kill();
      await node().start();
    },
    async ({ root }, next) => {
      const keys = await node().command("KEYS", `${root.replace(/[{}]/g, "\\$&")}*`);
      if (Array.isArray(keys) && keys.length > 0) await node().command("DEL", String(keys[next(keys.length)]));
    },
    async () => {
      const used = /used_memory:(\d+)/.exec(String(await node().command("INFO", "memory")))?.[1];
      await node().command("CONFIG", "SET", "maxmemory-policy", "allkeys-random");
      await node().command("CONFIG", "SET", "maxmemory", Math.floor(Number(used) * 0.99));
      await node()
        .command("SET", "any", "x")
        .catch(() => undefined);
      await node().command("CONFIG", "SET", "maxmemory", 0);
    },
  ];

  /** Faults of the link, under which events arrive: answers are late, or are lost with their connections. */
  const interruptions: readonly (() => void)[] = [
    () => undefined,
    () => node().link.hold(),
    () => node().link.cut(),
    () => node().link.mute(),
  ];

  /** Plays faults while events arrive; returns every difference that a reader saw. */
  async function play(seed: number): Promise<readonly string[]> {
    const next = seeded(seed);
    const kept = await keptSessions(seed);
    const found: string[] = [];
    for (let step = 1; step <= STEPS; step++) {
      interruptions[next(interruptions.length)]?.();
      const upTo = Math.floor((EVENTS * step) / STEPS);
      await appendAll(kept.log, kept.events.slice(Math.floor((EVENTS * (step - 1)) / STEPS), upTo));
      if (next(2) === 0) node().link.cut();
      node().link.mend();
      found.push(...(await differences(kept)));
      if (next(3) > 0) await caughtUp(kept, upTo - 1);
      await losses[next(losses.length)]?.(kept, next);
      found.push(...(await differences(kept)));
    }
    await caughtUp(kept, EVENTS - 1);
    return [...found, ...(await differences(kept))];
  }

  const seed = randomInt(2 ** 31);
  test(`no fault shows a wrong session, and all are mended (seed ${seed})`, async () => {
    expect(await play(seed)).toEqual([]);
  }, 120_000);
});
