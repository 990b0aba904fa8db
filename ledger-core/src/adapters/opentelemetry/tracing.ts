import { hash } from "node:crypto";
import { type Attributes, type HrTime, SpanKind, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, RandomIdGenerator, type ReadableSpan, type SpanExporter } from "@opentelemetry/sdk-trace";
import type { FinishedSpan, SpanPlace, Tracing } from "../../ports/tracing.ts";
import type { Logger } from "../../process/log.ts";
import type { TracingTarget } from "../../process/tracing-part.ts";

export type TracingOptions = TracingTarget & {
  /** The name of the service in its traces. */
  readonly service: string;
  readonly logger: Pick<Logger, "warn" | "info">;
  /** Spans that may wait; further ones are dropped. 1 to 100,000, default 4,096: some 4 MB. */
  readonly queueMax?: number;
  /** How long spans are gathered before they are sent, in ms. 1 to 60,000, default 1,000. */
  readonly delayMs?: number;
  /** How long the receiver may take, in ms. 10 to 60,000, default 5,000. */
  readonly timeoutMs?: number;
  /** How long the end waits for the receiver, in ms. 0 to 10,000, default 2,000. */
  readonly closeMs?: number;
};

const SENT_AT_ONCE = 512;
const kinds = {
  server: SpanKind.SERVER,
  internal: SpanKind.INTERNAL,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/**
 * Sends finished spans to an OTLP/HTTP receiver. The SDK's tracer is not used: it draws each span's id itself, and an
 * event's span has the same id in every process.
 */
export function startTracing(options: TracingOptions): Tracing {
  const { service, ratio, queueMax = 4096, delayMs = 1000, timeoutMs = 5000, closeMs = 2000 } = options;
  let queued = 0;
  let dropped = 0;
  const exporter = reporting(openExporter(options, timeoutMs), options.logger, (count) => {
    queued -= count;
  });
  const processor = new BatchSpanProcessor({
    exporter,
    maxQueueSize: queueMax,
    maxExportBatchSize: Math.min(queueMax, SENT_AT_ONCE),
    scheduledDelayMillis: delayMs,
    exportTimeoutMillis: 2 * timeoutMs,
  });
  const ids = new RandomIdGenerator();
  const origin = { resource: resourceFromAttributes({ "service.name": service }), scope: { name: "payledger" } };
  return {
    now: () => performance.timeOrigin + performance.now(),
    sample: () => Math.random() < ratio,
    eventPlace(id) {
      const digest = hash("sha256", `event ${id}`, "hex");
      if (Number.parseInt(digest.slice(48, 60), 16) >= ratio * 2 ** 48) return undefined;
      return { traceId: digest.slice(0, 32), spanId: digest.slice(32, 48) };
    },
    record(span) {
      const traceId = span.place?.traceId ?? span.parent?.traceId ?? ids.generateTraceId();
      const place = { traceId, spanId: span.place?.spanId ?? ids.generateSpanId() };
      if (queued >= queueMax) dropped++;
      else {
        queued++;
        processor.onEnd(readable(span, place, origin));
      }
      return place;
    },
    load: () => ({ queued, dropped }),
    async close() {
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(late.resolve, closeMs);
      await Promise.race([processor.shutdown().catch(() => undefined), late.promise]);
      clearTimeout(timer);
    },
  };
}

function openExporter({ endpoint, headers }: TracingTarget, timeoutMs: number): SpanExporter {
  const pairs = headers?.reveal().split(",") ?? [];
  const named = pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]);
  return new OTLPTraceExporter({
    url: `${endpoint.replace(/\/$/, "")}/v1/traces`,
    timeoutMillis: timeoutMs,
    headers: Object.fromEntries(named),
  });
}

/** Warns once when the receiver fails, until it answers again. */
function reporting(
  exporter: SpanExporter,
  logger: TracingOptions["logger"],
  gone: (count: number) => void,
): SpanExporter {
  let failing = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        gone(spans.length);
        const failed = result.error !== undefined || result.code !== 0;
        if (failed && !failing)
          logger.warn({ reason: result.error?.message }, "traces cannot be delivered: they are dropped until they can");
        if (!failed && failing) logger.info("traces are delivered again");
        failing = failed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}

type Origin = {
  readonly resource: ReadableSpan["resource"];
  readonly scope: ReadableSpan["instrumentationScope"];
};

function readable(span: FinishedSpan, place: SpanPlace, { resource, scope }: Origin): ReadableSpan {
  const { name, kind, startMs, endMs, parent, links = [], failed = false } = span;
  const attributes: Attributes = span.attributes;
  const context = sampled(place);
  return {
    ...{ name, kind: kinds[kind], attributes, resource, instrumentationScope: scope },
    spanContext: () => context,
    ...(parent && { parentSpanContext: sampled(parent) }),
    startTime: highResolution(startMs),
    endTime: highResolution(endMs),
    duration: highResolution(endMs - startMs),
    status: { code: failed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    links: links.map((link) => ({ context: sampled(link) })),
    ...{ events: [], ended: true, droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
  };
}

function sampled({ traceId, spanId }: SpanPlace) {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
}

/** Seconds and nanoseconds. */
function highResolution(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
