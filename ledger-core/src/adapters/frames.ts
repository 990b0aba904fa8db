import { Buffer } from "node:buffer";
import { assert, LedgerError } from "../domain/errors.ts";
import { formatPosition, type Revision, type Shard } from "../domain/position.ts";
import type { StoredEvent } from "../ports/event-log.ts";
import { decodeFrame, frameEnd } from "../ports/frame-bytes.ts";
import { frameLeaf, LEAF_BYTES } from "./leaf.ts";

/** Consecutive events of one shard, as stored and as sent between threads. */
export type Batch = {
  readonly shard: Shard;
  readonly first: Revision;
  readonly count: number;
  /** `count` frames, one after another. */
  readonly frames: Buffer;
  /** `count` leaf hashes of 32 bytes. */
  readonly leaves: Buffer;
  /** The frames match the leaves: these were made of the same bytes, or compared with them since they were read. */
  readonly checked?: boolean;
};

/**
 * Makes a batch of frames for a place in a shard, and hashes their leaves. The batch owns the buffer. An event whose id
 * names another shard or revision is a bug.
 */
export function sealFrames(shard: Shard, first: Revision, frames: Buffer): Batch {
  assert(frames.length > 0, "an append holds at least one event");
  let leaves = Buffer.allocUnsafeSlow(Math.ceil(frames.length / 256) * LEAF_BYTES);
  let count = 0;
  for (let at = 0; at < frames.length; count++) {
    const end = frameEnd(frames, at);
    assert(end !== undefined, "frames end where a frame ends");
    assertPlace(frames, at, shard, first + count);
    if (count * LEAF_BYTES === leaves.length) leaves = Buffer.concat([leaves, Buffer.allocUnsafeSlow(leaves.length)]);
    leaves.write(frameLeaf(shard, first + count, frames, at, end), count * LEAF_BYTES, "latin1");
    at = end;
  }
  return { shard, first, count, frames, leaves: leaves.subarray(0, count * LEAF_BYTES) };
}

/** Checks that an event is appended where its id says: 48 bits of time, 10 of shard, 40 of revision. */
function assertPlace(frames: Buffer, at: number, shard: number, revision: number): void {
  const middle = frames.readUInt32BE(at + 6);
  assert(middle >>> 22 === shard, `an event of shard ${middle >>> 22} is appended to shard ${shard}`);
  const low = (frames.readUInt16BE(at + 10) << 2) | ((frames[at + 12] ?? 0) >>> 6);
  const idRevision = (middle & 0x3fffff) * 2 ** 18 + low;
  assert(idRevision === revision, `an event with the revision ${idRevision} in its id is appended at ${revision}`);
}

export function lastOf(batch: Batch): Revision {
  return batch.first + batch.count - 1;
}

/** Splits a batch into parts of about `most` bytes, each at least one event. */
export function* splitBatch(batch: Batch, most: number): Generator<Batch, void, void> {
  if (batch.frames.length <= most) return yield batch;
  let first = 0;
  let start = 0;
  let at = 0;
  for (let index = 1; index <= batch.count; index++) {
    const end = frameEnd(batch.frames, at);
    assert(end !== undefined, "a batch is made of whole frames");
    at = end;
    if (at - start < most && index < batch.count) continue;
    yield slice(batch, first, index - first, start, at);
    first = index;
    start = at;
  }
}

function slice(batch: Batch, skip: number, count: number, start: number, end: number): Batch {
  return {
    shard: batch.shard,
    first: batch.first + skip,
    count,
    frames: batch.frames.subarray(start, end),
    leaves: batch.leaves.subarray(skip * LEAF_BYTES, (skip + count) * LEAF_BYTES),
    checked: batch.checked === true,
  };
}

/** Joins consecutive batches in bytes of their own. */
export function joinBatches(batches: readonly Batch[]): Batch {
  const [head] = batches;
  assert(head, "there is a batch to join");
  const count = batches.reduce((sum, batch) => sum + batch.count, 0);
  const frames = joinBytes(batches.map((batch) => batch.frames));
  const leaves = joinBytes(batches.map((batch) => batch.leaves));
  const checked = batches.every((batch) => batch.checked);
  return { shard: head.shard, first: head.first, count, frames, leaves, checked };
}

function joinBytes(parts: readonly Buffer[]): Buffer {
  const joined = Buffer.allocUnsafeSlow(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) at += part.copy(joined, at);
  return joined;
}

/** Whether every frame matches its leaf. */
export function isIntact(batch: Batch): boolean {
  let at = 0;
  for (let index = 0; index < batch.count; index++) {
    const end = frameEnd(batch.frames, at);
    if (end === undefined || !matchesLeaf(batch, index, at, end)) return false;
    at = end;
  }
  return true;
}

function matchesLeaf({ shard, first, frames, leaves }: Batch, index: number, at: number, end: number): boolean {
  const leaf = leaves.toString("latin1", index * LEAF_BYTES, (index + 1) * LEAF_BYTES);
  return frameLeaf(shard, first + index, frames, at, end) === leaf;
}

/** Whether two batches of equal length have the same ids in the same order. */
export function haveSameIds(one: Batch, other: Batch): boolean {
  let at: number | undefined = 0;
  let otherAt: number | undefined = 0;
  for (let i = 0; i < one.count; i++) {
    if (at === undefined || otherAt === undefined) return false;
    if (one.frames.compare(other.frames, otherAt, otherAt + 16, at, at + 16) !== 0) return false;
    at = frameEnd(one.frames, at);
    otherAt = frameEnd(other.frames, otherAt);
  }
  return true;
}

/** The part of a batch from revision `from` up to `to`, unchecked. @throws log_corrupt if a frame is broken */
export function cutBatch(batch: Batch, from: Revision, to: Revision): Batch {
  const skip = Math.max(0, from - batch.first);
  const count = Math.min(batch.count, to - batch.first + 1) - skip;
  if (count === batch.count) return batch;
  let start = 0;
  let end: number | undefined = 0;
  for (let i = 0; i < skip + count; i++) {
    if (i === skip) start = end;
    end = frameEnd(batch.frames, end);
    if (end === undefined) throw corrupt(batch.shard, batch.first + i, "its frame is broken");
  }
  return slice(batch, skip, count, start, end);
}

/**
 * Decodes a batch in pieces of at most `most` events, and checks each event against its leaf. Data and leaves are
 * views.
 * @throws log_corrupt at the first event that does not match its leaf, after yielding the good ones before it
 */
export function* decodeBatch(batch: Batch, most: number): Generator<StoredEvent[], void, void> {
  let events: StoredEvent[] = [];
  let at = 0;
  for (let index = 0; index < batch.count; index++) {
    const end = frameEnd(batch.frames, at);
    const event = end === undefined ? undefined : decodeStored(batch, index, at, end);
    if (end === undefined || event === undefined) {
      if (events.length > 0) yield events;
      throw corrupt(batch.shard, batch.first + index, "its bytes do not match its leaf hash");
    }
    at = end;
    events.push(event);
    if (events.length === most) {
      yield events;
      events = [];
    }
  }
  if (events.length > 0) yield events;
  if (at !== batch.frames.length || batch.leaves.length !== batch.count * LEAF_BYTES)
    throw corrupt(batch.shard, batch.first + batch.count, "more bytes are stored than events are counted");
}

function decodeStored(batch: Batch, index: number, at: number, end: number): StoredEvent | undefined {
  const { shard, frames, leaves } = batch;
  const leafAt = index * LEAF_BYTES;
  const revision = batch.first + index;
  const event = decodeFrame(frames, at, end);
  if (!Number.isSafeInteger(event.at) || leafAt + LEAF_BYTES > leaves.length) return undefined;
  if (!batch.checked && !matchesLeaf(batch, index, at, end)) return undefined;
  return {
    id: event.id,
    type: event.type,
    version: event.version,
    at: event.at,
    data: event.data,
    shard,
    revision,
    leaf: leaves.subarray(leafAt, leafAt + LEAF_BYTES),
  };
}

/** The error for a damaged log, with the first bad revision. */
export function corrupt(shard: Shard, revision: Revision, what: string, cause?: unknown): LedgerError {
  const position = { shard, revision };
  return new LedgerError("log_corrupt", `the event log is damaged at ${formatPosition(position)}: ${what}`, {
    position,
    cause,
  });
}
