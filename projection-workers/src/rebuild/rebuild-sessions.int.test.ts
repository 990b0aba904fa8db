import { randomUUID } from "node:crypto";
import { assert, type LedgerEvent } from "ledger-core";
import { connectRedis, openSessionStore, openSessionView } from "ledger-core/redis";
import { examples, openTestLog, randomHistory } from "ledger-core/testing";
import { findRedis, type RedisServer, startRedis } from "ledger-core/testing/engines/redis";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { sessionProjection } from "../projections/session/projection.ts";
import { keepSessions } from "../running/keep-sessions.ts";
import { newRebuild, type RebuildState } from "../running/rebuild-state.ts";
import type { ProjectionReport } from "../running/reports.ts";
import { gatedLog } from "../testing/gated-log.ts";
import { memorySession } from "../testing/memory-session.ts";
import { appendAll, quiet } from "../testing/stores.ts";
import { rebuildSessions } from "./server-rebuild.ts";

const source = await findRedis();
const owners = ["owner-0", "owner-1", "owner-2", "owner-3", "shop-0", "shop-1", "shop-2"];
const patient = { commandMs: 10_000, connectMs: 10_000, retryMs: { first: 5, most: 50 } };
const EVENTS = 150;
const HALF = 75;

describe.skipIf(source.kind !== "local")("rebuild of session views in Redis", { timeout: 120_000 }, () => {
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

  /** Session views that a worker keeps, with half of the events. */
  async function live(seed: number) {
    const events = randomHistory(seed, 600).slice(0, EVENTS);
    const { log } = await openTestLog();
    await appendAll(log, events.slice(0, HALF));
    const ledger = randomUUID();
    const connect = () => connectRedis("session views", server.access, patient);
    const reports: ProjectionReport[] = [];
    const kept = keepSessions({
      ...{ log, shards: [0], logger: quiet, tell: (report) => reports.push(report) },
      store: openSessionStore({ redis: connect(), ledger }),
      tuning: { retryMs: patient.retryMs },
      watching: { auditMs: 10, againMs: { first: 5, most: 50 } },
    });
    const redis = connect();
    const store = openSessionStore({ redis, ledger, stepKeys: 3 });
    const view = openSessionView({ redis, ledger, shards: 1 });
    onTestFinished(async () => {
      kept.stop();
      await kept.finished;
      await redis.close();
    });
    const reaches = (head: number) =>
      vi.waitFor(async () => expect((await view.positions())[0]?.revision).toBe(head), {
        ...{ timeout: 60_000, interval: 10 },
      });
    await reaches(HALF - 1);
    const rebuild = async (from = log) => {
      let last = newRebuild("session");
      const tell = (state: RebuildState) => {
        last = state;
      };
      await rebuildSessions(store, { log: from, shards: [0], logger: quiet, tell });
      return last;
    };
    return { events, log, view, reaches, rebuild, reports, root: `{${ledger}:0}:session-views` };
  }

  async function expectSessions(view: Awaited<ReturnType<typeof live>>["view"], events: readonly LedgerEvent[]) {
    const plain = memorySession();
    await plain.target.apply(0, -1, events.length - 1, events.flatMap(sessionProjection.project));
    for (const owner of owners)
      expect(await view.read(examples.TENANT, owner)).toEqual(await plain.view.read(examples.TENANT, owner));
  }

  test("it runs beside a worker, which goes on in the new generation; a second one is refused", async () => {
    const { events, log, view, reaches, rebuild, reports, root } = await live(21);
    const former = await command("HGET", root, "served");
    const gated = gatedLog(log, HALF / 3);
    const first = rebuild({ ...log, read: gated.log.read });
    await gated.arrived;
    expect((await rebuild()).detail).toMatch(/^not_ready: .*another rebuild is under way/);
    await appendAll(log, events.slice(HALF, HALF + 25));
    await reaches(HALF + 24);
    gated.open();
    const done = await first;
    expect(done).toMatchObject({ status: "done", differing: 0 });
    expect(done.rows).toBeGreaterThanOrEqual(owners.length);
    expect(await command("HGET", root, "served")).not.toBe(former);
    await appendAll(log, events.slice(HALF + 25));
    await reaches(EVENTS - 1);
    await expectSessions(view, events);
    expect(await command("KEYS", `${root.replace(/[{}]/g, "\\$&")}:${former}*`)).toEqual([]);
    const troubles = reports.flatMap((report) => (report.kind === "trouble" && report.trouble ? [report.trouble] : []));
    expect(troubles.filter((text) => /lost keys|halted/.test(text))).toEqual([]);
  });

  test("a session changed by hand is found and mended", async () => {
    const { events, view, rebuild, root } = await live(22);
    const served = await command("HGET", root, "served");
    const [account = ""] = (await view.read(examples.TENANT, "owner-1")).accounts.map(({ id }) => id);
    await command("HSET", `${root}:${served}`, account, '"1",""');
    expect(await rebuild()).toMatchObject({ status: "done", differing: 1 });
    await expectSessions(view, events.slice(0, HALF));
    expect(await rebuild()).toMatchObject({ status: "done", differing: 0 });
  });

  test("a killed rebuild is cleaned up by the next one, once it counts as interrupted", async () => {
    const { events, view, rebuild, root } = await live(23);
    await command("HSET", root, "building", "killed");
    await command("HSET", `${root}:killed`, "revision", 3);
    await command("SET", `${root}-rebuild`, "killed", "PX", 60_000);
    expect((await rebuild()).detail).toMatch(/another rebuild is under way/);
    await command("DEL", `${root}-rebuild`);
    expect(await rebuild()).toMatchObject({ status: "done", differing: 0 });
    expect(await command("EXISTS", `${root}:killed`)).toBe(0);
    await expectSessions(view, events.slice(0, HALF));
  });
});
