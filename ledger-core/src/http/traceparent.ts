import type { SpanPlace } from "../ports/tracing.ts";

/** A caller's span, and whether the caller's trace is kept. */
export type CallerTrace = SpanPlace & { readonly sampled: boolean };

/** Version, trace, span and flags; later versions may append fields after a dash. */
const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const LENGTH_MAX = 512;

/** The caller's span in a W3C `traceparent` header; undefined if absent or malformed: a new trace starts then. */
export function parseTraceparent(header: string | undefined): CallerTrace | undefined {
  if (header === undefined || header.length > LENGTH_MAX) return undefined;
  const [, version = "", traceId = "", spanId = "", flags = "", more] = form.exec(header) ?? [];
  if (version === "" || version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}
