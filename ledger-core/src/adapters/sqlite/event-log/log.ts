import { Buffer } from "node:buffer";
import { assert, LedgerError } from "../../../domain/errors.ts";
import { REVISION_MAX, type Revision, SHARD_MAX, type Shard } from "../../../domain/position.ts";
import type { EventLog } from "../../../ports/event-log.ts";
import { encodeFrames } from "../../../ports/frame-bytes.ts";
import { type Batch, cutBatch, haveSameIds, lastOf, sealFrames } from "../../frames.ts";
import {
  type BatchSource,
  type BatchStore,
  decodeRead,
  decodeSubscription,
  type FrameSink,
  readBatches,
  subscribeBatches,
} from "./batch-source.ts";
import { SqliteBatches } from "./batches.ts";
import type { SqliteFileOptions } from "./file.ts";
import { keepRecent } from "./recent.ts";

const RECENT_BYTES = 2 ** 24;

/**
 * The embedded event log: one SQLite file, written by this process only. Appends are synchronous inside; reads yield to
 * the event loop after each mebibyte or so.
 * @throws locked if another process holds it; incompatible if the file is foreign or newer; log_corrupt if it is
 * damaged
 */
export async function openSqliteLog(options: SqliteFileOptions): Promise<EventLog & BatchSource & FrameSink> {
  const { recentBytes = RECENT_BYTES } = options;
  const file = new SqliteBatches(options);
  const recent = keepRecent(recentBytes);
  const arrivals = makeArrivals();
  const store: BatchStore = {
    head: (shard) => file.head(shard),
    load: (shard, from, to) => file.load(shard, from, to),
    arrival: arrivals.next,
  };
  const followed: BatchStore = {
    ...store,
    load(...range) {
      const batch = recent.load(...range);
      return batch ? [batch] : store.load(...range);
    },
  };
  const batches: BatchSource = {
    // A read is about what is in the file.
    readBatches: (shard, from, limit) => readBatches(store, shard, from, limit),
    subscribeBatches: (shard, from, signal) => subscribeBatches(followed, shard, from, signal),
  };
  const appendFrames = (shard: Shard, expectedRevision: Revision, frames: Buffer): Revision => {
    assert(Number.isInteger(shard) && shard >= 0 && shard <= SHARD_MAX, `a shard is 0 to ${SHARD_MAX}, not ${shard}`);
    // The writer's thread uses its bytes again.
    const batch = sealFrames(shard, expectedRevision + 1, Buffer.from(frames));
    assert(lastOf(batch) <= REVISION_MAX, "a shard holds 2^40 events");
    file.settle();
    const head = store.head(shard);
    if (head === expectedRevision) {
      file.write(batch);
      recent.add(batch);
      arrivals.announce(shard);
    } else if (lastOf(batch) > head || !isStored(file, batch)) {
      throw wrongExpectedRevision(shard, expectedRevision, head);
    }
    return lastOf(batch);
  };
  return {
    ...batches,
    append: async (shard, expectedRevision, events) =>
      appendFrames(shard, expectedRevision, events.bytes ?? encodeFrames(events)),
    appendFrames: async (shard, expectedRevision, frames) => appendFrames(shard, expectedRevision, frames),
    read: (shard, from, options) => decodeRead(batches.readBatches(shard, from, options?.limit)),
    head: async (shard) => store.head(shard),
    subscribe: (shard, from, signal) => decodeSubscription(batches.subscribeBatches(shard, from, signal), signal),
    close: async () => {
      file.close();
      arrivals.announceAll();
    },
  };
}

/** Whether a batch was appended before. Like EventStoreDB, compares ids in order, and not payloads. */
function isStored(file: SqliteBatches, batch: Batch): boolean {
  const last = lastOf(batch);
  for (let next = batch.first; next <= last; ) {
    for (const stored of file.load(batch.shard, next, last)) {
      if (!haveSameIds(stored, cutBatch(batch, stored.first, lastOf(stored)))) return false;
      next = lastOf(stored) + 1;
    }
  }
  return true;
}

function wrongExpectedRevision(shard: Shard, expected: Revision, actual: Revision): LedgerError {
  return new LedgerError(
    "wrong_expected_revision",
    `shard ${shard} was expected at revision ${expected} and is at ${actual}: another writer wrote`,
  );
}

/** The in-process signal from an append to the subscribers of its shard. */
type Arrivals = {
  /** Wakes every subscriber that waits for the shard. */
  announce(shard: Shard): void;
  /** Wakes the subscribers of all shards, when the log closes. */
  announceAll(): void;
  /** Resolves at the next announcement after the call, or when the signal aborts. */
  next(shard: Shard, signal: AbortSignal): Promise<void>;
};

function makeArrivals(): Arrivals {
  const waiting = new Map<Shard, Set<() => void>>();
  const announce = (shard: Shard) => {
    const wakers = waiting.get(shard);
    waiting.delete(shard);
    for (const wake of wakers ?? []) wake();
  };
  return {
    announce,
    announceAll: () => {
      for (const shard of [...waiting.keys()]) announce(shard);
    },
    next: (shard, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const wakers = waiting.get(shard) ?? new Set();
        waiting.set(shard, wakers);
        const wake = () => {
          wakers.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        wakers.add(wake);
        signal.addEventListener("abort", wake);
      }),
  };
}
