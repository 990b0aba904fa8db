import type { Position } from "ledger-core";
import { expect, test } from "vitest";
import { openWaitingRoom } from "./waiting.ts";

/** A store whose position the test moves, and which says how often it was asked. */
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

test("a position that is there needs no wait", async () => {
  const it = store();
  expect(await openWaitingRoom(it).until(at(0), inMs(0))).toBe(true);
  expect(it.asked).toBe(1);
});

test("one that is not there when the time is up is not reached, and not a moment before", async () => {
  const start = performance.now();
  expect(await openWaitingRoom({ positions: store().positions }).until(at(1), start + 30)).toBe(false);
  expect(performance.now() - start).toBeGreaterThanOrEqual(30);
});

test("a wake ends the wait, and nobody listens when nobody waits", async () => {
  const it = store();
  const room = openWaitingRoom(it);
  const waits = [room.until(at(1), inMs(10_000)), room.until(at(2), inMs(10_000))];
  it.moveTo(1);
  expect(await waits[0]).toBe(true);
  it.moveTo(2);
  expect(await waits[1]).toBe(true);
  expect(it.listeners).toBe(0);
});

test("without a wake the store is polled", async () => {
  const it = store();
  const room = openWaitingRoom({ positions: it.positions });
  const wait = room.until(at(3), inMs(10_000));
  it.moveTo(3);
  expect(await wait).toBe(true);
});

test("however many wait, the store is asked for all of them at once", async () => {
  const it = store();
  const room = openWaitingRoom(it);
  const waits = Array.from({ length: 500 }, () => room.until(at(1), inMs(10_000)));
  it.moveTo(1);
  expect(await Promise.all(waits)).not.toContain(false);
  expect(it.asked).toBeLessThan(10);
});

test("a full room turns away, and has place again when one has left", async () => {
  const it = store();
  const room = openWaitingRoom({ ...it, wake: it.wake, positions: it.positions, waitersMax: 2 });
  const waits = [room.until(at(1), inMs(10_000)), room.until(at(1), inMs(10_000))];
  expect(() => room.until(at(1), inMs(10_000))).toThrow(expect.objectContaining({ code: "overloaded" }));
  it.moveTo(1);
  expect(await Promise.all(waits)).toEqual([true, true]);
  expect(await room.until(at(1), inMs(0))).toBe(true);
});

test("a store that cannot be reached is told to everyone who waits, and asked again for the next", async () => {
  let away = true;
  const room = openWaitingRoom({
    positions: async () => {
      if (away) throw new Error("away");
      return at(1);
    },
  });
  const waits = [room.until(at(1), inMs(10_000)), room.until(at(1), inMs(10_000))];
  expect((await Promise.allSettled(waits)).map((wait) => wait.status)).toEqual(["rejected", "rejected"]);
  away = false;
  expect(await room.until(at(1), inMs(0))).toBe(true);
});
