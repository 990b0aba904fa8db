import type { Position, Runtime } from "ledger-core";
import { systemRuntime } from "ledger-core/process";
import { expect, test } from "vitest";
import { queryLimits } from "./limits.ts";
import { createCrowd, openWaitingRoom } from "./waiting.ts";

/** A store whose position the test moves, and which counts its polls. */
function store() {
  let revision = 0;
  let asked = 0;
  const listeners = new Set<() => void>();
  return {
    get asked() {
      return asked;
    },
    get listeners() {
      return listeners.size;
    },
    moveTo(to: number) {
      revision = to;
      for (const listener of listeners) listener();
    },
    positions: async (): Promise<readonly Position[]> => {
      asked++;
      return [{ shard: 0, revision }];
    },
    wake(listener: () => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const at = (revision: number): readonly Position[] => [{ shard: 0, revision }];
const inMs = (ms: number) => performance.now() + ms;

test("a reached position needs no wait", async () => {
  const it = store();
  expect(await openWaitingRoom(it).until(at(0), inMs(0), "c")).toBe(true);
  expect(it.asked).toBe(1);
});

test("an unreached position is reported when the time is up, and not before", async () => {
  const start = performance.now();
  expect(await openWaitingRoom({ positions: store().positions }).until(at(1), start + 30, "c")).toBe(false);
  expect(performance.now() - start).toBeGreaterThanOrEqual(30);
});

test("a wake ends the wait, and nobody listens when nobody waits", async () => {
  const it = store();
  const room = openWaitingRoom(it);
  const waits = [room.until(at(1), inMs(10_000), "c"), room.until(at(2), inMs(10_000), "c")];
  it.moveTo(1);
  expect(await waits[0]).toBe(true);
  it.moveTo(2);
  expect(await waits[1]).toBe(true);
  expect(it.listeners).toBe(0);
});

test("without a wake the store is polled", async () => {
  const it = store();
  const room = openWaitingRoom({ positions: it.positions });
  const wait = room.until(at(3), inMs(10_000), "c");
  it.moveTo(3);
  expect(await wait).toBe(true);
});

test("the store is polled once for all waiting requests", async () => {
  const it = store();
  const room = openWaitingRoom(it);
  const waits = Array.from({ length: 500 }, (_, n) => room.until(at(1), inMs(10_000), `c${n}`));
  it.moveTo(1);
  expect(await Promise.all(waits)).not.toContain(false);
  expect(it.asked).toBeLessThan(10);
});

test("however long others wait, a position is noticed by the poll after the first pause", async () => {
  const [pauses, woken]: [number[], (() => void)[]] = [[], []];
  const runtime: Runtime = {
    ...systemRuntime,
    elapsedMs: () => 0,
    every(ms, done) {
      pauses.push(ms);
      woken.push(done);
      return () => undefined;
    },
  };
  const it = store();
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const room = openWaitingRoom({ positions: it.positions, runtime });
  const waits = [room.until(at(1), 10_000, "c"), room.until(at(2), 10_000, "c"), room.until(at(3), 10_000, "c")];
  for (const revision of [0, 0, 0, 0, 0, 1, 2, 2, 3]) {
    it.moveTo(revision);
    await turn();
    woken.at(-1)?.();
    await turn();
  }
  expect(await Promise.all(waits)).toEqual([true, true, true]);
  expect(pauses).toEqual([5, 10, 20, 40, 50, 50, 5, 5, 10]);
});

test("a caller at its limit of waiting requests is refused, and no other, until one of its own ends", async () => {
  const it = store();
  const limits = { ...queryLimits, waitersPerCaller: 2 };
  const room = openWaitingRoom({ ...it, wake: it.wake, positions: it.positions, limits });
  const waits = [room.until(at(1), inMs(10_000), "one"), room.until(at(1), inMs(10_000), "one")];
  await expect(room.until(at(1), inMs(10_000), "one")).rejects.toMatchObject({
    code: "too_many_requests",
    headers: { "retry-after": "1" },
  });
  const other = room.until(at(1), inMs(10_000), "other");
  it.moveTo(1);
  expect(await Promise.all([...waits, other])).toEqual([true, true, true]);
  expect(await room.until(at(1), inMs(0), "one")).toBe(true);
});

test("one caller never takes every place, even if there are few", async () => {
  const it = store();
  const limits = { ...queryLimits, waitersPerCaller: 2, waitersMax: 1 };
  const room = openWaitingRoom({ ...it, wake: it.wake, positions: it.positions, limits });
  const waits = ["one", "one", "other"].map((caller) => room.until(at(1), inMs(10_000), caller));
  it.moveTo(1);
  expect(await Promise.all(waits)).toEqual([true, true, true]);
});

test("rooms of one crowd share their bounds, per caller and in all", async () => {
  const it = store();
  const limits = { ...queryLimits, waitersPerCaller: 2, waitersMax: 3 };
  const crowd = createCrowd(limits);
  const rooms = [1, 2].map(() => openWaitingRoom({ ...it, wake: it.wake, positions: it.positions, limits, crowd }));
  const [models, session] = rooms;
  const waits = [models?.until(at(1), inMs(10_000), "one"), session?.until(at(1), inMs(10_000), "one")];
  await expect(session?.until(at(1), inMs(10_000), "one")).rejects.toMatchObject({ code: "too_many_requests" });
  waits.push(models?.until(at(1), inMs(10_000), "other"));
  await expect(models?.until(at(1), inMs(10_000), "third")).rejects.toMatchObject({ code: "overloaded" });
  it.moveTo(1);
  expect(await Promise.all(waits)).toEqual([true, true, true]);
});

test("an unreachable store is reported to everyone who waits, and polled again for the next", async () => {
  let away = true;
  const room = openWaitingRoom({
    positions: async () => {
      if (away) throw new Error("away");
      return at(1);
    },
  });
  const waits = [room.until(at(1), inMs(10_000), "c"), room.until(at(1), inMs(10_000), "c")];
  expect((await Promise.allSettled(waits)).map((wait) => wait.status)).toEqual(["rejected", "rejected"]);
  away = false;
  expect(await room.until(at(1), inMs(0), "c")).toBe(true);
});
