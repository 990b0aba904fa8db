import type { Buffer } from "node:buffer";
import { setImmediate as nextTurn } from "node:timers/promises";
import { assert, LedgerError } from "../../../domain/errors.ts";
import type { Revision, Shard } from "../../../domain/position.ts";
import type { Delivery, StoredEvent } from "../../../ports/event-log.ts";
import { type Batch, decodeBatch, lastOf } from "../../frames.ts";

/** Events that are checked and delivered between two turns of the event loop. */
const PIECE_EVENTS = 512;

/** Batches as stored, unchecked, since another thread may check them. Consecutive lists of about 1 MiB. */
export type BatchDelivery =
  | { readonly kind: "batches"; readonly batches: readonly Batch[] }
  | { readonly kind: "caught_up"; readonly head: Revision };

export interface BatchSource {
  readBatches(shard: Shard, from: Revision, limit: number | undefined): AsyncIterable<readonly Batch[]>;
  subscribeBatches(shard: Shard, from: Revision, signal: AbortSignal): AsyncIterable<BatchDelivery>;
}

/** Like `append`, but takes frames as `encodeFrames` writes them, as they arrive from another thread. */
export interface FrameSink {
  appendFrames(shard: Shard, expectedRevision: Revision, frames: Buffer): Promise<Revision>;
}

/** The store behind both kinds of reading. */
export type BatchStore = {
  head(shard: Shard): Revision;
  /** The next batches from `from` up to `to`, cut to that range; at least one. @throws log_corrupt at a gap */
  load(shard: Shard, from: Revision, to: Revision): readonly Batch[];
  /** Resolves when the shard may have grown, or the signal aborts. */
  arrival(shard: Shard, signal: AbortSignal): Promise<void>;
};

function after(batches: readonly Batch[], from: Revision): Revision {
  const last = batches.at(-1);
  return last ? lastOf(last) + 1 : from;
}

/** Reads up to the head as of the first step, yielding to the event loop between steps. */
export async function* readBatches(
  store: BatchStore,
  shard: Shard,
  from: Revision,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<readonly Batch[], void, void> {
  assertRevision(from);
  const to = Math.min(store.head(shard), from + limit - 1);
  let next = from;
  while (next <= to) {
    const batches = store.load(shard, next, to);
    next = after(batches, next);
    yield batches;
    if (next <= to) await nextTurn();
  }
}

/**
 * Reads to the head, reports `caught_up` and waits for the next append. Reads at the consumer's pace, without a buffer.
 */
export async function* subscribeBatches(
  store: BatchStore,
  shard: Shard,
  from: Revision,
  signal: AbortSignal,
): AsyncGenerator<BatchDelivery, void, void> {
  assertRevision(from);
  let next = from;
  let told = false;
  while (!signal.aborted) {
    const head = store.head(shard);
    if (next <= head) {
      const batches = store.load(shard, next, head);
      next = after(batches, next);
      told = false;
      yield { kind: "batches", batches };
      if (next <= store.head(shard)) await nextTurn();
    } else if (!told) {
      told = true;
      yield { kind: "caught_up", head };
    } else {
      await store.arrival(shard, signal);
    }
  }
}

function assertRevision(from: Revision): void {
  assert(Number.isSafeInteger(from) && from >= 0, `a read starts at a revision, not at ${from}`);
}

/** The events of batches, checked. */
export async function* decodeRead(
  source: AsyncIterable<readonly Batch[]>,
): AsyncGenerator<readonly StoredEvent[], void, void> {
  for await (const batches of source) yield* pieces(batches);
}

/** The deliveries of a subscription, checked; ends between two deliveries when the signal aborts. */
export async function* decodeSubscription(
  source: AsyncIterable<BatchDelivery>,
  signal: AbortSignal,
): AsyncGenerator<Delivery, void, void> {
  for await (const delivery of source) {
    if (delivery.kind === "caught_up") yield delivery;
    else
      for await (const events of pieces(delivery.batches)) {
        if (signal.aborted) return;
        yield { kind: "events", events };
      }
    if (signal.aborted) return;
  }
}

/** Joins small batches and splits large ones into pieces of equal size. */
async function* pieces(batches: readonly Batch[]): AsyncGenerator<StoredEvent[], void, void> {
  let events: StoredEvent[] = [];
  try {
    for (const batch of batches)
      for (const piece of decodeBatch(batch, PIECE_EVENTS)) {
        if (events.length === 0) events = piece;
        else for (const event of piece) events.push(event);
        if (events.length < PIECE_EVENTS) continue;
        yield events;
        events = [];
        await nextTurn();
      }
  } catch (error) {
    // Deliver the good events before the bad one.
    if (error instanceof LedgerError && events.length > 0) yield events;
    throw error;
  }
  if (events.length > 0) yield events;
}
