import { Buffer } from "node:buffer";
import { LedgerError } from "../../domain/errors.ts";
import { idBytes, idFromBytes, readId } from "../../domain/ids.ts";
import { formatPosition, NO_REVISION, type Revision, type Shard } from "../../domain/position.ts";
import type { StoredEvent } from "../../ports/event-log.ts";
import { ID_BYTES } from "../../ports/frame-bytes.ts";
import { corrupt } from "../frames.ts";
import { LEAF_BYTES, leafHash } from "../leaf.ts";
import { Empty, ReadReq, type RecordedEvent, StreamIdentifier } from "./stubs.ts";

/**
 * Layout of an event's metadata: 1 byte: layout version, 1 · 2 bytes: schema version · 8 bytes: recorded time in
 * microseconds since 1970 · 32 bytes: leaf hash; integers big-endian. Binary, because it counts against the size of
 * an append.
 */
export const METADATA_BYTES = 11 + LEAF_BYTES;
export const METADATA_LAYOUT = 1;

/** Decodes the event recorded at a revision. @throws log_corrupt if no ledger wrote it there */
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
  /** A revision, or "end" to read backwards from the last event. */
  readonly from: Revision | "end";
  /** The most events to read, or "subscribe", which starts after `from`. */
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

export function identifierOf(stream: string): StreamIdentifier {
  return new StreamIdentifier().setStreamName(Buffer.from(stream));
}

function uuidBytes(text: string): Uint8Array {
  const bytes = Buffer.from(text.replaceAll("-", ""), "hex");
  return bytes.length === ID_BYTES ? bytes : idBytes("");
}
