import fc from "fast-check";
import { expect, test } from "vitest";
import { adaptBatches } from "./batch-size.ts";

function batches(tuning: Parameters<typeof adaptBatches>[0]) {
  const clock = { ms: 0 };
  return { clock, sizes: adaptBatches(tuning, () => clock.ms) };
}

test("until the log's end is reached, batches have the maximum size", () => {
  const { clock, sizes } = batches({ batchMax: 700 });
  sizes.took(700, 10_000);
  clock.ms = 10_000;
  expect(sizes.next()).toBe(700);
});

test("at the log's end a batch holds the events that take liveMs, by the last full one's measure", () => {
  const { sizes } = batches({ batchMax: 10_000, liveMs: 50 });
  sizes.took(10_000, 1_000);
  sizes.atEnd();
  expect(sizes.next()).toBe(500);
  sizes.took(3, 1);
  sizes.took(500, 100);
  expect(sizes.next()).toBe(250);
  sizes.took(250, 100);
  expect(sizes.next()).toBe(125);
  sizes.took(125, 12_500);
  expect(sizes.next()).toBe(1);
});

test("a batch that was far from full says nothing about the cost of events", () => {
  const { sizes } = batches({ batchMax: 10_000, liveMs: 50 });
  sizes.took(10_000, 1_000);
  sizes.atEnd();
  for (let n = 0; n < 20; n++) sizes.took(1 + n, 190);
  expect(sizes.next()).toBe(500);
});

test("a batch may take twice as long as one that is almost empty", () => {
  const { sizes } = batches({ batchMax: 10_000, liveMs: 50 });
  sizes.took(10_000, 1_000);
  sizes.atEnd();
  sizes.took(2, 80);
  sizes.took(500, 130);
  expect(sizes.next()).toBe(Math.floor((500 * 160) / 130));
});

test("a batch grows to at most twice the last one, and never beyond its bound", () => {
  const { sizes } = batches({ batchMax: 1000, liveMs: 50 });
  sizes.atEnd();
  expect(sizes.next()).toBe(1);
  sizes.took(1, 0);
  expect(sizes.next()).toBe(2);
  sizes.took(300, 1);
  expect(sizes.next()).toBe(600);
  sizes.took(600, 0);
  expect(sizes.next()).toBe(1000);
});

test("the longer it is behind, the longer a batch may take", () => {
  const { clock, sizes } = batches({ batchMax: 10_000, liveMs: 50 });
  sizes.took(500, 50);
  sizes.atEnd();
  clock.ms = 100;
  expect(sizes.next()).toBe(500);
  clock.ms = 200;
  expect(sizes.next()).toBe(1000);
  sizes.atEnd();
  clock.ms = 8_000;
  expect(sizes.next()).toBe(10_000);
  sizes.waited();
  expect(sizes.next()).toBe(500);
});

/**
 * Applies events that arrive steadily, each batch at the cost of a transaction and of its events.
 * @returns how long the events of the second half waited at most, until their batch was committed, in ms
 */
function longestWait({ perMs, batchMs, eventMs }: { perMs: number; batchMs: number; eventMs: number }): number {
  const { clock, sizes } = batches({});
  sizes.atEnd();
  const events = 20_000;
  let longest = 0;
  for (let applied = 0; applied < events; ) {
    const arrived = Math.floor(clock.ms * perMs);
    if (arrived === applied) {
      clock.ms = (applied + 1.01) / perMs;
      sizes.waited();
      continue;
    }
    const batch = Math.min(arrived - applied, sizes.next());
    const tookMs = batchMs + batch * eventMs;
    clock.ms += tookMs;
    if (applied > events / 2) longest = Math.max(longest, clock.ms - (applied + 1) / perMs);
    sizes.took(batch, tookMs);
    applied += batch;
  }
  return longest;
}

const steady = fc.record({
  perMs: fc.double({ min: 0.1, max: 20, noNaN: true }),
  batchMs: fc.double({ min: 0.1, max: 300, noNaN: true }),
  /** The share of a thread that the events alone take. */
  busy: fc.double({ min: 0.01, max: 0.6, noNaN: true }),
});

test("whatever a batch costs beside its events, none waits longer than a few batches of all that arrived", () => {
  fc.assert(
    fc.property(steady, ({ perMs, batchMs, busy }) => {
      const allMs = Math.max(batchMs / (1 - busy), 1 / perMs);
      expect(longestWait({ perMs, batchMs, eventMs: busy / perMs })).toBeLessThan(4 * allMs + 2 * 50);
    }),
  );
});
