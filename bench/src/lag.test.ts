import { expect, test } from "vitest";
import { lagsAt, mostOf, mostThroughout } from "./lag.ts";

const at = (atSeconds: number, head: number, models: number, views = head) => ({
  ...{ atSeconds, head },
  projections: { models, views },
});

test("a projection at the head has no lag, one that shows an event of two seconds ago lags two seconds", () => {
  const samples = [at(10, 100, 100), at(11, 200, 200), at(12, 300, 200), at(13, 400, 200)];
  expect(lagsAt(samples)).toEqual({ models: 2, views: 0 });
  expect(mostOf(lagsAt(samples))).toBe(2);
});

test("the head is interpolated linearly between two samples", () => {
  expect(lagsAt([at(10, 100, 100), at(11, 200, 150)])).toMatchObject({ models: 0.5 });
});

test("a projection behind before the first sample lags at least since then", () => {
  expect(lagsAt([at(10, 100, 20), at(11, 200, 50)])).toMatchObject({ models: 1 });
});

test("the lag behind a head that paused counts from its next move", () => {
  expect(lagsAt([at(10, 100, 0), at(11, 200, 100), at(12, 200, 150)])).toMatchObject({ models: 1.5 });
});

test("a lag that was made up by the end still counts", () => {
  const samples = [at(10, 100, 100), at(11, 200, 200), at(12, 300, 200), at(13, 400, 200), at(14, 500, 500)];
  expect(mostOf(lagsAt(samples))).toBe(0);
  expect(mostThroughout(samples)).toBe(2);
});
