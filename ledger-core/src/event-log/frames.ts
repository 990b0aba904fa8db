import { Buffer } from "node:buffer";
import { assert, LedgerError } from "../errors.ts";
import { idFromBytes, writeIdBytes } from "../ids.ts";
import { formatPosition, type Revision, type Shard } from "../position.ts";
import { LEAF_BYTES, leafText } from "./leaf.ts";
import type { NewEvent, StoredEvent } from "./port.ts";

/** id 16 · time 8 · schema version 2 · type length 1 · data length 4, integers big-endian; then the type in ASCII and the data. */
const HEADER_BYTES = 31;
const TYPE_LENGTH_AT = 26;
const typeGrammar = /^[A-Za-z][A-Za-z0-9]{0,254}$/;
const knownTypes = new Map<string, string>();

/** Events of one shard from revision `first` on, as they are stored and as they cross a message port. */
export type Batch = {
  readonly shard: Shard;
  readonly first: Revision;
  readonly count: number;
  /** `count` frames, one after another. */
  readonly frames: Buffer;
  /** `count` leaf hashes of 32 bytes. */
  readonly leaves: Buffer;
};

/**
 * Frames events for a place in a shard and hashes their leaves. The buffers are the batch's own, never a piece of Node's pool.
 * An event that cannot be stored (shard or revision other than its id says, a type that is no identifier) is a bug.
 */
export function encodeBatch(shard: Shard, first: Revision, events: readonly NewEvent[]): Batch {
  assert(events.length > 0, "an append holds at least one event");
  const frames = encodeFrames(events);
  const leaves = Buffer.allocUnsafeSlow(events.length * LEAF_BYTES);
  let at = 0;
  let index = 0;
  for (const event of events) {
    assertPlace(frames, at, shard, first + index);
    leaves.write(leafText(shard, first + index, frames, at, event), index * LEAF_BYTES, "latin1");
    at += HEADER_BYTES + event.type.length + event.data.length;
    index++;
  }
  return { shard, first, count: events.length, frames, leaves };
}

/** Frames alone, in a buffer of their own: how events travel to where the batch is made. */
export function encodeFrames(events: readonly NewEvent[]): Buffer<ArrayBuffer> {
  let size = 0;
  for (const { type, data } of events) size += HEADER_BYTES + type.length + data.length;
  const frames = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const event of events) at = writeFrame(frames, at, event);
  return frames;
}

function writeFrame(frames: Buffer, at: number, event: NewEvent): number {
  const { type, version, data } = event;
  if (!knownTypes.has(type)) {
    assert(typeGrammar.test(type), `an event type is an identifier, not ${JSON.stringify(type)}`);
    learn(type);
  }
  assert(Number.isSafeInteger(event.at) && event.at >= 0, "an event's time is a count of microseconds");
  writeIdBytes(event.id, frames, at);
  frames.writeUInt32BE(Math.floor(event.at / 2 ** 32), at + 16);
  frames.writeUInt32BE(event.at % 2 ** 32, at + 20);
  frames.writeUInt16BE(version, at + 24);
  frames[at + TYPE_LENGTH_AT] = type.length;
  frames.writeUInt32BE(data.length, at + 27);
  frames.write(type, at + HEADER_BYTES, "latin1");
  frames.set(data, at + HEADER_BYTES + type.length);
  return at + HEADER_BYTES + type.length + data.length;
}

/** An id holds 10 bits of shard and 40 of revision behind 48 of time; the event stands where its id says. */
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

/** Where the frame that starts at `at` ends; undefined when the frames end before it does. */
export function frameEnd(frames: Buffer, at: number): number | undefined {
  if (at + HEADER_BYTES > frames.length) return undefined;
  const end = at + HEADER_BYTES + (frames[at + TYPE_LENGTH_AT] ?? 0) + frames.readUInt32BE(at + 27);
  return end > frames.length ? undefined : end;
}

/** A batch in parts of about `most` bytes, each at least one event. */
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
  };
}

/** Batches that follow one another as one. */
export function joinBatches(batches: readonly Batch[]): Batch {
  const [head] = batches;
  assert(head, "there is a batch to join");
  if (batches.length === 1) return head;
  const count = batches.reduce((sum, batch) => sum + batch.count, 0);
  const frames = Buffer.concat(batches.map((batch) => batch.frames));
  const leaves = Buffer.concat(batches.map((batch) => batch.leaves));
  return { shard: head.shard, first: head.first, count, frames, leaves };
}

/** Whether two batches of one length bear the same ids, position by position. */
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

/** Keeps one string a type, whatever the number of events; a damaged log must not fill the memory with names. */
function learn(type: string): string {
  if (knownTypes.size < 256) knownTypes.set(type, type);
  return type;
}

/** The event framed between `at` and `end`; its data is a view, not a copy. */
export function decodeFrame(frames: Buffer, at: number, end: number): NewEvent {
  const dataAt = at + HEADER_BYTES + (frames[at + TYPE_LENGTH_AT] ?? 0);
  const type = frames.toString("latin1", at + HEADER_BYTES, dataAt);
  return {
    id: idFromBytes("evt", frames, at),
    type: knownTypes.get(type) ?? learn(type),
    version: frames.readUInt16BE(at + 24),
    at: frames.readUInt32BE(at + 16) * 2 ** 32 + frames.readUInt32BE(at + 20),
    data: frames.subarray(dataAt, end),
  };
}

/** The events that `encodeFrames` framed. */
export function decodeFrames(frames: Buffer): NewEvent[] {
  const events: NewEvent[] = [];
  for (let at = 0; at < frames.length; ) {
    const end = frameEnd(frames, at);
    assert(end !== undefined, "frames end where a frame ends");
    events.push(decodeFrame(frames, at, end));
    at = end;
  }
  return events;
}

/** The part of a batch from revision `from` up to `to`, its events not yet checked. @throws log_corrupt when a frame before its end is broken */
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
 * The events of a batch in pieces of at most `most`, each event checked against its leaf. Data and leaves are views, not copies.
 * @throws log_corrupt naming the first event whose bytes are not those that its leaf was made of; the good ones before it come first
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
  if (leafText(shard, revision, frames, at, event) !== leaves.toString("latin1", leafAt, leafAt + LEAF_BYTES))
    return undefined;
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

/** The error of a damaged log, with the first bad revision. */
export function corrupt(shard: Shard, revision: Revision, what: string, cause?: unknown): LedgerError {
  const position = { shard, revision };
  return new LedgerError("log_corrupt", `the event log is damaged at ${formatPosition(position)}: ${what}`, {
    position,
    cause,
  });
}
