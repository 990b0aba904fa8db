import { expect, test } from "vitest";
import { lagsAt, mostOf, mostThroughout } from "./lag.ts";

const at = (atSeconds: number, head: number, models: number, views = head) => ({
  ...{ atSeconds, head },
  projections: { models, views },
});

test("a projection at the head is not behind, one that shows an event of two seconds ago is two seconds behind", () => {
  const samples = [at(10, 100, 100), at(11, 200, 200), at(12, 300, 200), at(13, 400, 200)];
  expect(lagsAt(samples)).toEqual({ models: 2, views: 0 });
  expect(mostOf(lagsAt(samples))).toBe(2);
});

test("between two samples the head moves in a straight line", () => {
  expect(lagsAt([at(10, 100, 100), at(11, 200, 150)])).toMatchObject({ models: 0.5 });
});

test("what was behind before the first sample is behind for at least as long as it was watched", () => {
  expect(lagsAt([at(10, 100, 20), at(11, 200, 50)])).toMatchObject({ models: 1 });
});

test("a head that stands still counts from when it moved on", () => {
  expect(lagsAt([at(10, 100, 0), at(11, 200, 100), at(12, 200, 150)])).toMatchObject({ models: 1.5 });
});

test("what was made up for by the end counts throughout", () => {
  const samples = [at(10, 100, 100), at(11, 200, 200), at(12, 300, 200), at(13, 400, 200), at(14, 500, 500)];
  expect(mostOf(lagsAt(samples))).toBe(0);
  expect(mostThroughout(samples)).toBe(2);
});
