import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { makeId } from "../../domain/ids.ts";
import type { FinishedSpan, Tracing } from "../../ports/tracing.ts";
import { tracingPart } from "../../process/tracing-part.ts";
import { startTraceReceiver, type TraceReceiver } from "../../testing/trace-receiver.ts";
import { startTracing, type TracingOptions } from "./tracing.ts";

let receiver: TraceReceiver;
const open: Tracing[] = [];
const logger = { warn: vi.fn(), info: vi.fn() };
const span: FinishedSpan = { name: "step", kind: "internal", startMs: 1000, endMs: 1001.5, attributes: { n: 1 } };

beforeEach(async () => {
  receiver = await startTraceReceiver();
  logger.warn.mockClear();
  logger.info.mockClear();
});
afterEach(async () => {
  for (const tracing of open.splice(0)) await tracing.close();
  await receiver.close();
});

function tracingTo(endpoint: string, options: Partial<TracingOptions> = {}): Tracing {
  const quick = { delayMs: 1, timeoutMs: 100, closeMs: 100, ratio: 1, service: "test", logger };
  const tracing = startTracing({ endpoint, ...quick, ...options });
  open.push(tracing);
  return tracing;
}
const patient = { timeout: 30_000 };
const all = (tracing: Tracing) => vi.waitFor(() => expect(tracing.load().queued).toBe(0), patient);
const eventId = (n: number) => makeId("evt", String(n).padStart(26, "0"));

test("spans arrive with places, times, parent, links and attributes", async () => {
  const tracing = tracingTo(receiver.endpoint);
  const parent = tracing.record({ ...span, name: "whole", kind: "server", failed: true });
  const link = { traceId: "a".repeat(32), spanId: "b".repeat(16) };
  const place = tracing.record({ ...span, parent, links: [link] });
  await all(tracing);
  expect(receiver.spans).toMatchObject([
    { service: "test", name: "whole", ...parent, parentSpanId: undefined, failed: true, links: [] },
    { name: "step", ...place, parentSpanId: parent.spanId, failed: false, attributes: { n: 1 } },
  ]);
  expect(place.traceId).toBe(parent.traceId);
  expect(receiver.spans[1]).toMatchObject({ startNs: 1_000_000_000n, endNs: 1_001_500_000n, links: [link] });
});

test("an event has the same place in every process, and the same events are kept", () => {
  const [one, other] = [
    tracingTo(receiver.endpoint, { ratio: 0.25 }),
    tracingTo("http://127.0.0.1:1", { ratio: 0.25 }),
  ];
  const places = Array.from({ length: 2000 }, (_, n) => one.eventPlace(eventId(n)));
  expect(Array.from({ length: 2000 }, (_, n) => other.eventPlace(eventId(n)))).toEqual(places);
  const kept = places.filter((place) => place !== undefined);
  expect(new Set(kept.map(({ traceId }) => traceId)).size).toBe(kept.length);
  // The ids are fixed, so this share is too.
  expect(kept.length).toBeGreaterThan(450);
  expect(kept.length).toBeLessThan(550);
});

test.each(["away", "hold", 500, 400] as const)(
  "a receiver that is at fault (%s): spans wait up to a bound, others are dropped, one warning, and it heals",
  async (fault) => {
    const { endpoint } = receiver;
    if (fault === "away") await receiver.close();
    else receiver.behave(fault);
    const tracing = tracingTo(endpoint, { queueMax: 10 });
    for (let n = 0; n < 1000; n++) tracing.record(span);
    expect(tracing.load()).toEqual({ queued: 10, dropped: 990 });
    await all(tracing);
    tracing.record(span);
    await all(tracing);
    expect(logger.warn).toHaveBeenCalledTimes(1);
    expect(logger.warn).toHaveBeenCalledWith(
      { reason: expect.any(String) },
      "traces cannot be delivered: they are dropped until they can",
    );

    if (fault === "away") receiver = await startTraceReceiver(Number(new URL(endpoint).port));
    receiver.behave("take");
    await vi.waitFor(async () => {
      tracing.record({ ...span, name: "after" });
      await all(tracing);
      expect(receiver.spans.map(({ name }) => name)).toEqual(["after"]);
    }, patient);
    expect(logger.info).toHaveBeenCalledTimes(1);
  },
);

test("the end sends what waits, and does not wait for a receiver that does not answer", async () => {
  const tracing = tracingTo(receiver.endpoint, { delayMs: 60_000 });
  tracing.record(span);
  await tracing.close();
  expect(receiver.spans).toHaveLength(1);
  receiver.behave("hold");
  const slow = tracingTo(receiver.endpoint, { delayMs: 60_000, timeoutMs: 60_000, closeMs: 1 });
  slow.record(span);
  await slow.close();
  expect(receiver.spans).toHaveLength(1);
});

test("headers of the setting reach the receiver, and a wrong setting is refused without showing them", async () => {
  const faults: string[] = [];
  const good = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `${receiver.endpoint}/`,
    OTEL_EXPORTER_OTLP_HEADERS: "x-key=c2VjcmV0==,a=b",
  };
  const target = tracingPart.read(good, (text) => faults.push(text));
  expect(faults).toEqual([]);
  if (!target) throw new Error("the settings have a target");
  const tracing = tracingTo(receiver.endpoint, target);
  tracing.record(span);
  await all(tracing);
  expect(receiver.headers[0]).toMatchObject({ "x-key": "c2VjcmV0==", a: "b" });

  const bad = {
    OTEL_EXPORTER_OTLP_ENDPOINT: "ftp://x",
    OTEL_EXPORTER_OTLP_HEADERS: "secret",
    OTEL_TRACES_SAMPLER_ARG: "2",
  };
  expect(tracingPart.read(bad, (text) => faults.push(text))).toBeUndefined();
  expect(faults.map((text) => text.split(" ")[0])).toEqual(Object.keys(bad));
  expect(faults.join()).not.toContain("secret");
  expect(tracingPart.read({}, (text) => faults.push(text))).toBeUndefined();
  expect(faults).toHaveLength(3);
});
