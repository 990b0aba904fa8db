import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { LedgerError } from "../../domain/errors.ts";
import { idBytes, idFromBytes, readId } from "../../domain/ids.ts";
import { formatPosition, NO_REVISION, type Revision, type Shard } from "../../domain/position.ts";
import type { StoredEvent } from "../../ports/event-log.ts";
import { HEADER_BYTES, ID_BYTES, TIME_AT, TYPE_LENGTH_AT, VERSION_AT } from "../../ports/frame-bytes.ts";
import { type Batch, corrupt } from "../frames.ts";
import { LEAF_BYTES, leafHash } from "../leaf.ts";
import { BatchAppendReq, Empty, ReadReq, type RecordedEvent, StreamIdentifier, UUID } from "./stubs.ts";

/** An append as it goes over the wire. */
export type AppendRequest = {
  readonly correlation: string;
  readonly bytes: Buffer;
  /** What the server counts against its MaxAppendSize. */
  readonly size: number;
};

/**
 * The metadata of an event: 1 byte: this layout, 1 · 2 bytes: schema version · 8 bytes: recorded time in microseconds
 * since 1970 · 32 bytes: leaf hash; integers big-endian. Binary, since it counts against the size of an append.
 */
const METADATA_BYTES = 11 + LEAF_BYTES;
const METADATA_LAYOUT = 1;
const CONTENT_TYPE = "application/octet-stream";

/**
 * The request that appends a batch at its exact place. An event's id there is the 16 bytes of its own id: the salt of
 * its writer's incarnation is in them, so that no two writers, and no two batches of one, share one.
 */
export function encodeAppend(stream: string, batch: Batch): AppendRequest {
  const { first, count, frames, leaves } = batch;
  const correlation = randomUUID();
  const request = new BatchAppendReq();
  const options = new BatchAppendReq.Options().setStreamIdentifier(identifierOf(stream));
  if (first === NO_REVISION + 1) options.setNoStream(new Empty());
  else options.setStreamPosition(String(first - 1));
  request.setCorrelationId(new UUID().setString(correlation)).setOptions(options).setIsFinal(true);
  let size = 0;
  let at = 0;
  for (let index = 0; index < count; index++) {
    const typeAt = at + HEADER_BYTES;
    const dataAt = typeAt + (frames[at + TYPE_LENGTH_AT] ?? 0);
    const end = dataAt + frames.readUInt32BE(at + 27);
    const type = frames.toString("latin1", typeAt, dataAt);
    const message = new BatchAppendReq.ProposedMessage();
    message.setId(new UUID().setString(uuidText(frames, at)));
    message.getMetadataMap().set("type", type).set("content-type", CONTENT_TYPE);
    message.setCustomMetadata(metadataOf(frames, at, leaves, index * LEAF_BYTES));
    message.setData(frames.subarray(dataAt, end));
    request.addProposedMessages(message);
    size += end - dataAt + METADATA_BYTES + 2 * type.length;
    at = end;
  }
  return { correlation, bytes: Buffer.from(request.serializeBinary()), size };
}

function metadataOf(frames: Buffer, at: number, leaves: Buffer, leafAt: number): Buffer {
  const metadata = Buffer.allocUnsafe(METADATA_BYTES);
  metadata[0] = METADATA_LAYOUT;
  frames.copy(metadata, 1, at + VERSION_AT, at + VERSION_AT + 2);
  frames.copy(metadata, 3, at + TIME_AT, at + TIME_AT + 8);
  leaves.copy(metadata, 11, leafAt, leafAt + LEAF_BYTES);
  return metadata;
}

/** The event that was recorded at a place. @throws log_corrupt when it is not one that a ledger wrote there */
export function decodeRecorded(shard: Shard, revision: Revision, recorded: RecordedEvent): StoredEvent {
  const type = recorded.getMetadataMap().get("type") ?? "";
  const metadata = Buffer.from(recorded.getCustomMetadata_asU8());
  if (metadata.length === 0 || metadata[0] === 0) throw foreign(shard, revision, `a ${type} event without a leaf hash`);
  if (metadata[0] !== METADATA_LAYOUT || metadata.length !== METADATA_BYTES)
    throw foreign(shard, revision, `an event in layout ${metadata[0]}, which is newer than this version`);
  const id = idFromBytes("evt", uuidBytes(recorded.getId()?.getString() ?? ""));
  const place = readId(id);
  if (place.shard !== shard || place.revision !== revision)
    throw foreign(shard, revision, `an event that was written at ${formatPosition(place)}`);
  const at = metadata.readUInt32BE(3) * 2 ** 32 + metadata.readUInt32BE(7);
  const event: StoredEvent = {
    ...{ id, type, version: metadata.readUInt16BE(1), at, data: recorded.getData_asU8() },
    ...{ shard, revision, leaf: metadata.subarray(11) },
  };
  if (!Number.isSafeInteger(at) || !isTypeName(type) || !metadata.subarray(11).equals(leafHash(event)))
    throw corrupt(shard, revision, "its bytes do not match its leaf hash");
  return event;
}

function isTypeName(type: string): boolean {
  return /^[A-Za-z][A-Za-z0-9]{0,254}$/.test(type);
}

function foreign(shard: Shard, revision: Revision, what: string): LedgerError {
  const message = `the stream of shard ${shard} holds at revision ${revision} ${what}: is it this ledger's event log?`;
  return new LedgerError("log_corrupt", message, { position: { shard, revision } });
}

export type EsdbRead = {
  readonly stream: string;
  /** A revision, or the last event and backwards from there. */
  readonly from: Revision | "end";
  /** How many events at most; or a subscription, which begins after `from`. */
  readonly count: number | "subscribe";
};

export function encodeRead({ stream, from, count }: EsdbRead): ReadReq {
  const place = new ReadReq.Options.StreamOptions().setStreamIdentifier(identifierOf(stream));
  if (from === "end") place.setEnd(new Empty());
  else if (from === NO_REVISION) place.setStart(new Empty());
  else place.setRevision(String(from));
  const options = new ReadReq.Options().setStream(place).setNoFilter(new Empty());
  options.setUuidOption(new ReadReq.Options.UUIDOption().setString(new Empty()));
  options.setReadDirection(from === "end" ? 1 : 0);
  if (count === "subscribe") options.setSubscription(new ReadReq.Options.SubscriptionOptions());
  else options.setCount(String(count));
  return new ReadReq().setOptions(options);
}

function identifierOf(stream: string): StreamIdentifier {
  return new StreamIdentifier().setStreamName(Buffer.from(stream));
}

/** 16 bytes as the text of a UUID. */
function uuidText(bytes: Buffer, at: number): string {
  const hex = bytes.toString("hex", at, at + ID_BYTES);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function uuidBytes(text: string): Uint8Array {
  const bytes = Buffer.from(text.replaceAll("-", ""), "hex");
  return bytes.length === ID_BYTES ? bytes : idBytes("");
}
