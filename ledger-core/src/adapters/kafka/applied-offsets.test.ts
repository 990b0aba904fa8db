import { expect, test } from "vitest";
import { appliedOffsets } from "./applied-offsets.ts";

test("the offset follows the last batch that is applied as a whole", () => {
  const offsets = appliedOffsets(10, 12);
  expect(offsets.after(8)).toBeUndefined();
  expect(offsets.after(9)).toBe(12);
  offsets.read(14, 20);
  offsets.read(19, 25);
  expect(offsets.after(13)).toBe(12);
  expect(offsets.after(14)).toBe(20);
  // Foreign records and repeats bring no event.
  offsets.read(19, 30);
  expect(offsets.after(18)).toBe(20);
  expect(offsets.after(19)).toBe(30);
});

test("an offset is never ahead of its events, however many batches wait", () => {
  const offsets = appliedOffsets(0, 0);
  for (let revision = 0; revision < 10_000; revision++) offsets.read(revision, revision + 1);
  for (const applied of [-1, 0, 100, 253]) expect(offsets.after(applied)).toBe(applied + 1);
  expect(offsets.after(9998)).toBe(254);
  expect(offsets.after(9999)).toBe(10_000);
});
