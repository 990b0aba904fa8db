import { expect, test } from "vitest";
import { keepLatencies, percentile } from "./histogram.ts";

test("percentiles are by nearest rank, whatever the order they came in", () => {
  const latencies = keepLatencies(1000);
  for (let ms = 100; ms >= 1; ms--) latencies.add(ms);
  expect(latencies.summary()).toEqual({ count: 100, p50Ms: 50, p99Ms: 99, p999Ms: 100, maxMs: 100 });
});

test("a single value is every percentile, and no value has none", () => {
  const latencies = keepLatencies(10);
  expect(latencies.summary().p50Ms).toBeNaN();
  latencies.add(7);
  expect(latencies.summary()).toEqual({ count: 1, p50Ms: 7, p99Ms: 7, p999Ms: 7, maxMs: 7 });
  expect(percentile(Float64Array.of(), 0.5)).toBeNaN();
});

test("the newest are kept, all are counted", () => {
  const latencies = keepLatencies(3);
  for (const ms of [900, 800, 1, 2, 3]) latencies.add(ms);
  expect(latencies.summary()).toMatchObject({ count: 5, p50Ms: 2, maxMs: 3 });
});

test("starts over after it was cleared", () => {
  const latencies = keepLatencies(3);
  latencies.add(900);
  latencies.clear();
  latencies.add(1);
  expect(latencies.summary()).toMatchObject({ count: 1, maxMs: 1 });
});
