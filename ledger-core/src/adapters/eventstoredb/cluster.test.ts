import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { NO_REVISION } from "../../domain/position.ts";
import { freePort } from "../../testing/engines/child-engine.ts";
import { asNew, followTo, makeEvents, range, readAll } from "../../testing/event-log-events.ts";
import { startEventStoreDbServer } from "../../testing/eventstoredb-server/server.ts";
import { openStreamStore } from "../../testing/eventstoredb-server/store.ts";
import { type EventStoreDbOptions, openEventStoreDb } from "./log.ts";

/** Two nodes on one store, so that the second has every event the first acknowledged. */
async function openCluster() {
  const data = openStreamStore(":memory:");
  const nodes = [await startEventStoreDbServer({ data }), await startEventStoreDbServer({ data })] as const;
  for (const node of nodes) node.setMembers(nodes);
  const [one, two] = nodes;
  two.follow(one);
  onTestFinished(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    data.close();
  });
  const change = () => {
    const [leader, follower] = one.leads ? [two, one] : [one, two];
    leader.lead();
    follower.follow(leader);
  };
  return { one, two, change };
}

function open(url: string, options: EventStoreDbOptions = {}) {
  const log = openEventStoreDb(url, options);
  onTestFinished(() => log.close());
  return log;
}

describe("a cluster", () => {
  test("receives appends at its leader, whichever node is asked", async () => {
    const { one, two } = await openCluster();
    for (const [shard, node] of [one, two].entries())
      for (const scheme of ["esdb", "esdb+discover"]) {
        const log = open(`${scheme}://127.0.0.1:${node.port}?tls=false`);
        const head = await log.head(shard);
        expect(await log.append(shard, head, makeEvents(head + 1, 2, { shard }))).toBe(head + 2);
        expect((await readAll(log, shard, 0)).length).toBe(head + 3);
      }
  });

  test("is followed when its leader changes: appends, reads and subscriptions", async () => {
    const { one, change } = await openCluster();
    const log = open(one.url);
    await log.append(0, NO_REVISION, makeEvents(0, 5));
    const followed = followTo(log, 0, 0, 64);
    for (let head = 4; head < 64; head += 10) {
      change();
      expect(await log.append(0, head, makeEvents(head + 1, 10))).toBe(head + 10);
      expect(await log.head(0)).toBe(head + 10);
    }
    expect(await followed).toEqual(range(0, 64));
    expect(asNew(await readAll(log, 0, 0))).toEqual(makeEvents(0, 65));
  });

  test("that lost its leader is asked for the new one", async () => {
    const { one, two, change } = await openCluster();
    const log = open(`esdb://127.0.0.1:${one.port},127.0.0.1:${two.port}?tls=false`);
    await log.append(0, NO_REVISION, makeEvents(0, 1));
    change();
    two.setMembers([two]);
    await one.stop();
    // The append that meets the lost leader has an unknown outcome.
    await log.append(0, 0, makeEvents(1, 1)).catch(() => undefined);
    await expect.poll(() => log.append(0, 0, makeEvents(1, 1)).catch(String), { timeout: 30_000 }).toBe(1);
    expect(await log.head(0)).toBe(1);
  });

  test("serves reads from a follower if preferred, and appends at its leader", async () => {
    const { one, two } = await openCluster();
    const log = open(`esdb+discover://127.0.0.1:${one.port}?tls=false&nodePreference=follower`);
    await log.append(0, NO_REVISION, makeEvents(0, 3));
    expect(one.counts.reads).toBe(0);
    expect((await readAll(log, 0, 0)).length).toBe(3);
    expect(one.counts.reads).toBe(0);
    expect(two.counts).toEqual({ appends: 0, reads: 2 });
  });
});

test("a restarted server is used again and has everything that it acknowledged", async () => {
  const folder = await mkdtemp(join(tmpdir(), "eventstoredb-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const data = join(folder, "events.sqlite");
  let server = await startEventStoreDbServer({ data, port: await freePort() });
  onTestFinished(() => server.stop());
  const { port, url } = server;
  const log = open(url);
  await log.append(0, NO_REVISION, makeEvents(0, 5));
  const followed = followTo(log, 0, 0, 12);
  for (const head of [4, 6, 8, 10]) {
    await server.stop();
    server = await startEventStoreDbServer({ data, port });
    await expect
      .poll(() => log.append(0, head, makeEvents(head + 1, 2)).catch(String), { timeout: 30_000 })
      .toBe(head + 2);
  }
  expect(await followed).toEqual(range(0, 12));
  expect(asNew(await readAll(log, 0, 0))).toEqual(makeEvents(0, 13));
});
