import { expect, test } from "vitest";
import { measureAnswerTimes } from "./answer-times.ts";
import { createMetrics } from "./metrics.ts";

test("a counter is there from the start, and counts up", async () => {
  const metrics = createMetrics();
  const commands = metrics.counter("commands_total", "Commands.");
  const head = "# HELP commands_total Commands.\n# TYPE commands_total counter\n";
  expect(await metrics.registry.metrics()).toBe(`${head}commands_total 0\n`);
  commands.inc();
  commands.inc(2);
  expect(await metrics.registry.metrics()).toBe(`${head}commands_total 3\n`);
});

test("gauges are read when they are asked for", async () => {
  const metrics = createMetrics();
  let length = 1;
  metrics.gauge("queue_length", "Commands that wait.", () => length);
  length = 2;
  expect(await metrics.registry.metrics()).toContain("\nqueue_length 2\n");
});

test("a name is used once", () => {
  const metrics = createMetrics();
  metrics.counter("once_total", "Once.");
  expect(() => metrics.gauge("once_total", "Twice.", () => 0)).toThrow("once_total");
});

const labels = { method: "GET", route: "/things", status: "200" };

test("answer times are a histogram whose buckets count times at or below them", async () => {
  const { registry } = createMetrics();
  const times = measureAnswerTimes(registry)(labels);
  for (const seconds of [0.25, 0.5, 0.75, 40]) times.observe(seconds);
  const lines = (await registry.metrics()).trimEnd().split("\n");
  const series = 'method="GET",route="/things",status="200"';
  const bucket = (le: string) => `http_request_duration_seconds_bucket{${series},le="${le}"}`;
  expect(lines[1]).toBe("# TYPE http_request_duration_seconds histogram");
  expect(lines.slice(10)).toEqual([
    `${bucket("0.25")} 1`,
    `${bucket("0.5")} 2`,
    ...["1", "2.5", "10"].map((le) => `${bucket(le)} 3`),
    `${bucket("+Inf")} 4`,
    `http_request_duration_seconds_sum{${series}} 41.5`,
    `http_request_duration_seconds_count{${series}} 4`,
  ]);
});

test("the same labels are the same series, others are another", async () => {
  const { registry } = createMetrics();
  const seriesOf = measureAnswerTimes(registry);
  seriesOf(labels).observe(0);
  seriesOf({ ...labels }).observe(0);
  seriesOf({ ...labels, status: "404" }).observe(0);
  const text = await registry.metrics();
  expect(text).toContain('_count{method="GET",route="/things",status="200"} 2\n');
  expect(text).toContain('_count{method="GET",route="/things",status="404"} 1\n');
});

test("labels are escaped", async () => {
  const { registry } = createMetrics();
  measureAnswerTimes(registry)({ ...labels, route: 'a"b\\c\nd' }).observe(0);
  expect(await registry.metrics()).toContain('route="a\\"b\\\\c\\nd"');
});
