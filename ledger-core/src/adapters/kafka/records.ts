import { Buffer } from "node:buffer";
import { parseId } from "../../domain/ids.ts";
import type { Shard } from "../../domain/position.ts";
import type { StoredEvent } from "../../ports/event-log.ts";
import { leafHash } from "../leaf.ts";

/**
 * Encodes an event as a record: the value is the stored payload, unchanged; key and partition are the shard; headers
 * hold the rest as text. With `version` and `at`, a reader can recompute the leaf from the record alone.
 */
export type EventRecord = {
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Readonly<Record<(typeof headerNames)[number], string>>;
};

const headerNames = ["type", "id", "shard", "revision", "leaf", "version", "at"] as const;

export function recordOf(event: StoredEvent): EventRecord {
  const { data, type, id, shard, revision, leaf, version, at } = event;
  return {
    key: String(shard),
    value: Buffer.from(data.buffer, data.byteOffset, data.length),
    headers: {
      ...{ type, id },
      shard: String(shard),
      revision: String(revision),
      leaf: hex(leaf),
      version: String(version),
      at: String(at),
    },
  };
}

/** A record as a client delivers it. */
export type ReceivedRecord = {
  readonly offset: number;
  readonly value: Uint8Array | null;
  header(name: string): string | undefined;
};

/**
 * Decodes the event in a record of a shard's partition. Returns undefined for a foreign record: no headers of ours,
 * another shard, a leaf that does not match, or an offset below its revision, where the mirror never puts one.
 */
export function eventOf(shard: Shard, record: ReceivedRecord): StoredEvent | undefined {
  const { value, offset } = record;
  const [type, id, leaf] = [record.header("type"), parseId("evt", record.header("id")), record.header("leaf")];
  const [revision, version, at] = [number(record, "revision"), number(record, "version"), number(record, "at")];
  if (!value || !type || !id || !leaf || number(record, "shard") !== shard) return undefined;
  if (revision === undefined || version === undefined || at === undefined || revision > offset) return undefined;
  if (!/^[A-Za-z][A-Za-z0-9]{0,254}$/.test(type) || version > 65_535) return undefined;
  const event = { id, type, version, at, data: value, shard, revision };
  const computed = leafHash(event);
  return hex(computed) === leaf ? { ...event, leaf: computed } : undefined;
}

function number(record: ReceivedRecord, name: string): number | undefined {
  const text = record.header(name);
  return text !== undefined && /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : undefined;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}
