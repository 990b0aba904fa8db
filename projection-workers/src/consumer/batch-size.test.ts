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

test("at the log's end a batch holds the events that take liveMs, by the last one's measure, and at least one", () => {
  const { sizes } = batches({ batchMax: 10_000, liveMs: 50 });
  sizes.atEnd();
  sizes.took(10_000, 1_000);
  expect(sizes.next()).toBe(500);
  sizes.took(500, 100);
  expect(sizes.next()).toBe(250);
  sizes.took(1, 80);
  expect(sizes.next()).toBe(1);
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
  sizes.atEnd();
  sizes.took(500, 50);
  clock.ms = 100;
  expect(sizes.next()).toBe(500);
  clock.ms = 200;
  expect(sizes.next()).toBe(1000);
  clock.ms = 8_000;
  expect(sizes.next()).toBe(10_000);
  sizes.atEnd();
  expect(sizes.next()).toBe(500);
});

test("without a time for batches, they always have the maximum size", () => {
  const { sizes } = batches({ batchMax: 700, liveMs: null });
  sizes.atEnd();
  sizes.took(1, 10_000);
  expect(sizes.next()).toBe(700);
});
