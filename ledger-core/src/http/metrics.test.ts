import { expect, test } from "vitest";
import { createMetrics } from "./metrics.ts";

test("counters add up by their labels", () => {
  const metrics = createMetrics();
  const commands = metrics.counter("commands_total", "Commands by outcome.");
  commands.add({ outcome: "accepted" });
  commands.add({ outcome: "accepted" }, 2);
  commands.add({ outcome: "refused" });
  commands.add();
  expect(metrics.text()).toBe(
    [
      "# HELP commands_total Commands by outcome.",
      "# TYPE commands_total counter",
      'commands_total{outcome="accepted"} 3',
      'commands_total{outcome="refused"} 1',
      "commands_total 1",
      "",
    ].join("\n"),
  );
});

test("gauges are read when they are asked for", () => {
  const metrics = createMetrics();
  let length = 1;
  metrics.gauge("queue_length", "Commands that wait.", () => length);
  length = 2;
  expect(metrics.text()).toContain("\nqueue_length 2\n");
});

test("a histogram's buckets hold what is at or below them", () => {
  const metrics = createMetrics();
  const waits = metrics.histogram("wait_seconds", "Waits.", [0.5, 1]).of({ shard: "0" });
  for (const value of [0.25, 0.5, 0.75, 4]) waits.observe(value);
  expect(metrics.text().split("\n").slice(2)).toEqual([
    'wait_seconds_bucket{shard="0",le="0.5"} 2',
    'wait_seconds_bucket{shard="0",le="1"} 3',
    'wait_seconds_bucket{shard="0",le="+Inf"} 4',
    'wait_seconds_sum{shard="0"} 5.5',
    'wait_seconds_count{shard="0"} 4',
    "",
  ]);
});

test("the same labels are the same series", () => {
  const waits = createMetrics();
  const histogram = waits.histogram("wait_seconds", "Waits.", [1]);
  histogram.of({ shard: "0" }).observe(0);
  histogram.of({ shard: "0" }).observe(0);
  expect(waits.text()).toContain('wait_seconds_count{shard="0"} 2');
});

test("labels are escaped", () => {
  const metrics = createMetrics();
  metrics.counter("odd_total", "Odd.").add({ name: 'a"b\\c\nd' });
  expect(metrics.text()).toContain('odd_total{name="a\\"b\\\\c\\nd"} 1');
});

test("a name is used once", () => {
  const metrics = createMetrics();
  metrics.counter("once_total", "Once.");
  expect(() => metrics.gauge("once_total", "Twice.", () => 0)).toThrow("once_total");
});
