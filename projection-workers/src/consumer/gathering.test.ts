import type { Delivery } from "ledger-core/event-log";
import { randomHistory } from "ledger-core/testing";
import { expect, test } from "vitest";
import { stored } from "../testing/stores.ts";
import { gather } from "./gathering.ts";

const events = stored(randomHistory(11, 30));

/** Deliveries that are made one by one. */
function deliveries() {
  const made: Delivery[] = [];
  let next = Promise.withResolvers<void>();
  return {
    make(...more: readonly Delivery[]) {
      made.push(...more);
      next.resolve();
    },
    async *[Symbol.asyncIterator](): AsyncGenerator<Delivery> {
      for (let n = 0; ; n++) {
        while (n >= made.length) {
          next = Promise.withResolvers();
          await next.promise;
        }
        const delivery = made[n];
        if (delivery) yield delivery;
      }
    },
  };
}

const hundred = { events: () => 100, bytes: 2 ** 20 };
const some = (from: number, to: number): Delivery => ({ kind: "events", events: events.slice(from, to) });
const end = (to: number): Delivery => ({ kind: "caught_up", head: to - 1 });

test("a consumer was not behind only if nothing had arrived when it asked, whatever the log says", async () => {
  const source = deliveries();
  source.make(some(0, 5), end(5));
  const gathered = gather(source, hundred)[Symbol.asyncIterator]();
  expect((await gathered.next()).value).toMatchObject({ caughtUp: true, waited: false });
  source.make(some(5, 8), end(8));
  await new Promise((resolve) => setImmediate(resolve));
  expect((await gathered.next()).value).toEqual({ events: events.slice(5, 8), caughtUp: true, waited: false });
  const asked = gathered.next();
  await new Promise((resolve) => setImmediate(resolve));
  source.make(some(8, 9), end(9));
  expect((await asked).value).toMatchObject({ waited: true });
  await gathered.return?.(undefined);
});

test("history is gathered up to so many events, or so many bytes", async () => {
  const sizes = async (enough: Parameters<typeof gather>[1]) => {
    const source = deliveries();
    source.make(...events.map((_, n) => some(n, n + 1)), end(events.length));
    const found: number[] = [];
    for await (const { events: gathered, caughtUp } of gather(source, enough)) {
      found.push(gathered.length);
      if (caughtUp) return found;
    }
    return found;
  };
  expect(Math.max(...(await sizes({ events: () => 7 })))).toBe(7);
  const bytes = 3 * Math.max(...events.map(({ data }) => data.length));
  const found = await sizes({ events: () => 1000, bytes });
  expect(found.length).toBeGreaterThan(2);
  let at = 0;
  for (const length of found.slice(0, -1)) {
    const sum = events.slice(at, at + length).reduce((total, { data }) => total + data.length, 0);
    const last = events[at + length - 1]?.data.length ?? 0;
    expect(sum).toBeGreaterThanOrEqual(bytes);
    expect(sum - last).toBeLessThan(bytes);
    at += length;
  }
});

test("a delivery is cut where a batch is full; its rest goes with the next, and the end with the last", async () => {
  const source = deliveries();
  source.make(some(0, 5), some(5, 10), some(10, 15), end(15));
  const found: [number, boolean][] = [];
  for await (const { events: gathered, caughtUp } of gather(source, { events: () => 7 })) {
    found.push([gathered.length, caughtUp]);
    if (caughtUp) break;
  }
  expect(found).toEqual([
    [7, false],
    [7, false],
    [1, true],
  ]);
});
