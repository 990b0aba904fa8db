import type { EventId } from "../domain/ids.ts";

/** Identifies a span in every process: 32 and 16 hexadecimal digits. */
export type SpanPlace = { readonly traceId: string; readonly spanId: string };

/** A finished span. Times are milliseconds since 1970, with fractions. */
export type FinishedSpan = {
  readonly name: string;
  readonly kind: "server" | "internal" | "producer" | "consumer";
  readonly startMs: number;
  readonly endMs: number;
  /** Its own place, if another process can compute it; random by default. */
  readonly place?: SpanPlace;
  readonly parent?: SpanPlace;
  readonly links?: readonly SpanPlace[];
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly failed?: boolean;
};

/** Where finished spans go. Nothing here waits or throws, whatever the receiver does: what has no room is dropped. */
export interface Tracing {
  /** The time now, as spans have it. */
  now(): number;
  /** Whether to keep a new trace that no caller and no event decides about. */
  sample(): boolean;
  /**
   * The place of an event's span. Every process computes the same from the event's id, and keeps the same share of
   * events. Undefined if the event's trace is not kept.
   */
  eventPlace(id: EventId): SpanPlace | undefined;
  record(span: FinishedSpan): SpanPlace;
  /** Spans that wait for the receiver, and those dropped since the start. */
  load(): { readonly queued: number; readonly dropped: number };
  /** Sends what waits, for a bounded time. */
  close(): Promise<void>;
}
