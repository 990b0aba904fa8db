import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { HEADER_BYTES, ID_BYTES, TIME_AT, TYPE_LENGTH_AT, VERSION_AT } from "../../ports/frame-bytes.ts";
import type { Batch } from "../frames.ts";
import { LEAF_BYTES } from "../leaf.ts";
import { identifierOf, METADATA_BYTES, METADATA_LAYOUT } from "./messages.ts";
import { BatchAppendReq, Empty, UUID } from "./stubs.ts";

/** A serialized append request. */
export type AppendRequest = {
  readonly correlation: string;
  readonly bytes: Buffer;
  /** Bytes that the server counts against its MaxAppendSize. */
  readonly size: number;
};

/** The protobuf tag of a length-delimited field: the field number, shifted, with wire type 2. */
const FIELD_1 = 0x0a;
const FIELD_2 = 0x12;
const FIELD_3 = 0x1a;
const FIELD_4 = 0x22;
/** `proposed_messages` of a request. */
const PROPOSED = FIELD_3;
const UUID_TEXT_BYTES = 36;
const CONTENT_TYPE = mapEntry("content-type", "application/octet-stream");
const TYPE_KEY = Buffer.concat([Buffer.from([FIELD_1, 4]), Buffer.from("type"), Buffer.from([FIELD_2])]);
/** Upper bound of the bytes that an event's message adds to its frame. */
const OVERHEAD_BYTES = 6 + 4 + UUID_TEXT_BYTES + 6 + TYPE_KEY.length + 2 + CONTENT_TYPE.length + 2 + METADATA_BYTES + 6;

/**
 * Encodes the request that appends a batch at its exact revision. Each event's message id is the 16 bytes of the
 * event's own id; ids contain the salt of the writer's incarnation, so no two writers and no two batches share one.
 * Events are encoded straight from their frames because the generated code takes 13 to 25 microseconds per event.
 */
export function encodeAppend(stream: string, { first, count, frames, leaves }: Batch): AppendRequest {
  const correlation = randomUUID();
  const options = new BatchAppendReq.Options().setStreamIdentifier(identifierOf(stream));
  if (first === 0) options.setNoStream(new Empty());
  else options.setStreamPosition(String(first - 1));
  const head = new BatchAppendReq().setCorrelationId(new UUID().setString(correlation)).setOptions(options);
  const start = head.setIsFinal(true).serializeBinary();
  const bytes = Buffer.allocUnsafe(start.length + frames.length + count * OVERHEAD_BYTES);
  bytes.set(start);
  let to = start.length;
  let size = 0;
  let at = 0;
  for (let index = 0; index < count; index++) {
    const typeLength = frames[at + TYPE_LENGTH_AT] ?? 0;
    const typeAt = at + HEADER_BYTES;
    const dataAt = typeAt + typeLength;
    const end = dataAt + frames.readUInt32BE(at + 27);
    const typeEntry = TYPE_KEY.length + lengthBytes(typeLength) + typeLength;
    const message =
      4 +
      UUID_TEXT_BYTES +
      (1 + lengthBytes(typeEntry) + typeEntry) +
      CONTENT_TYPE.length +
      (2 + METADATA_BYTES) +
      (1 + lengthBytes(end - dataAt) + end - dataAt);
    to = writeLength(bytes, to, PROPOSED, message);
    to = writeUuid(bytes, to, frames, at);
    to = writeLength(bytes, to, FIELD_2, typeEntry);
    to += TYPE_KEY.copy(bytes, to);
    to = writeVarint(bytes, to, typeLength);
    to += frames.copy(bytes, to, typeAt, dataAt);
    to += CONTENT_TYPE.copy(bytes, to);
    to = writeMetadata(bytes, to, frames, at, leaves, index * LEAF_BYTES);
    to = writeLength(bytes, to, FIELD_4, end - dataAt);
    to += frames.copy(bytes, to, dataAt, end);
    size += end - dataAt + METADATA_BYTES + 2 * typeLength;
    at = end;
  }
  return { correlation, bytes: bytes.subarray(0, to), size };
}

/** The id as a UUID message in text form. */
function writeUuid(bytes: Buffer, to: number, frames: Buffer, at: number): number {
  const hex = frames.toString("hex", at, at + ID_BYTES);
  const text = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  bytes[to] = FIELD_1;
  bytes[to + 1] = UUID_TEXT_BYTES + 2;
  bytes[to + 2] = FIELD_2;
  bytes[to + 3] = UUID_TEXT_BYTES;
  return to + 4 + bytes.write(text, to + 4, "latin1");
}

function writeMetadata(bytes: Buffer, to: number, frames: Buffer, at: number, leaves: Buffer, leafAt: number): number {
  bytes[to] = FIELD_3;
  bytes[to + 1] = METADATA_BYTES;
  bytes[to + 2] = METADATA_LAYOUT;
  frames.copy(bytes, to + 3, at + VERSION_AT, at + VERSION_AT + 2);
  frames.copy(bytes, to + 5, at + TIME_AT, at + TIME_AT + 8);
  leaves.copy(bytes, to + 13, leafAt, leafAt + LEAF_BYTES);
  return to + 2 + METADATA_BYTES;
}

function writeLength(bytes: Buffer, to: number, tag: number, length: number): number {
  bytes[to] = tag;
  return writeVarint(bytes, to + 1, length);
}

function writeVarint(bytes: Buffer, to: number, value: number): number {
  let rest = value;
  let end = to;
  for (; rest > 127; rest >>>= 7) bytes[end++] = (rest & 127) | 128;
  bytes[end++] = rest;
  return end;
}

function lengthBytes(length: number): number {
  let bytes = 1;
  for (let rest = length; rest > 127; rest >>>= 7) bytes++;
  return bytes;
}

/** One entry of a message's metadata map. */
function mapEntry(key: string, value: string): Buffer {
  const entry = Buffer.concat([
    Buffer.from([FIELD_1, key.length]),
    Buffer.from(key),
    Buffer.from([FIELD_2, value.length]),
    Buffer.from(value),
  ]);
  return Buffer.concat([Buffer.from([FIELD_2, entry.length]), entry]);
}
