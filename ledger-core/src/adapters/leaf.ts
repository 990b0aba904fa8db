import { Buffer } from "node:buffer";
import { hash } from "node:crypto";
import type { StoredEvent } from "../ports/event-log.ts";
import { encodeFrames, HEADER_BYTES, ID_BYTES, TIME_AT, TYPE_LENGTH_AT, VERSION_AT } from "../ports/frame-bytes.ts";

export const LEAF_BYTES = 32;
const ENTRY_VERSION = 1;

/** 0x00, entry version, shard, revision, id, type length · type of at most 255 · schema version, time, digest. */
const scratch = Buffer.alloc(29 + 255 + 42);
const binary = "binary";

/**
 * The RFC 9162 leaf hash of an event as a string of 32 Latin-1 characters, the form that Node hashes and compares
 * fastest in.
 *
 * SHA-256(0x00 ‖ entry), integers big-endian, entry =
 * - 1 byte: version of this layout, 1
 * - 2 bytes: shard
 * - 8 bytes: revision
 * - 16 bytes: event id (idBytes)
 * - 1 byte: length of the type, then the type in ASCII
 * - 2 bytes: schema version of the event
 * - 8 bytes: recorded time in microseconds since 1970
 * - 32 bytes: SHA-256 of the stored payload bytes
 *
 * The event's frame lies between `at` and `end`: its bytes are hashed where they are.
 */
export function frameLeaf(shard: number, revision: number, frames: Buffer, at: number, end: number): string {
  scratch[0] = 0;
  scratch[1] = ENTRY_VERSION;
  scratch.writeUInt16BE(shard, 2);
  writeInteger(revision, 4);
  frames.copy(scratch, 12, at, at + ID_BYTES);
  const typeEnd = at + HEADER_BYTES + (frames[at + TYPE_LENGTH_AT] ?? 0);
  frames.copy(scratch, 28, at + TYPE_LENGTH_AT, at + TYPE_LENGTH_AT + 1);
  frames.copy(scratch, 29, at + HEADER_BYTES, typeEnd);
  const to = 29 + typeEnd - at - HEADER_BYTES;
  frames.copy(scratch, to, at + VERSION_AT, at + VERSION_AT + 2);
  frames.copy(scratch, to + 2, at + TIME_AT, at + TIME_AT + 8);
  scratch.write(hash("sha256", frames.subarray(typeEnd, end), binary), to + 10, binary);
  return hash("sha256", scratch.subarray(0, to + 42), binary);
}

function writeInteger(value: number, at: number): void {
  scratch.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  scratch.writeUInt32BE(value % 2 ** 32, at + 4);
}

/** The 32-byte leaf hash of an event at its place; `frameLeaf` says what it covers. */
export function leafHash(event: Omit<StoredEvent, "leaf">): Uint8Array {
  const frame = encodeFrames([event]);
  return Buffer.from(frameLeaf(event.shard, event.revision, frame, 0, frame.length), binary);
}
