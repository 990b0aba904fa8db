import { Buffer } from "node:buffer";
import { hash } from "node:crypto";
import { idBytes } from "../ids.ts";
import type { NewEvent, StoredEvent } from "./port.ts";

export const LEAF_BYTES = 32;
const ENTRY_VERSION = 1;

/** 0x00, entry version, shard, revision, id, type length · type of at most 255 · schema version, time, digest. */
const scratch = Buffer.alloc(29 + 255 + 42);
const binary = "binary";

/**
 * The RFC 9162 leaf hash of an event as a string of 32 Latin-1 characters, the form that Node hashes and compares fastest in.
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
 * `id` holds the 16 bytes of the id from `idAt` on.
 */
export function leafText(
  shard: number,
  revision: number,
  id: Uint8Array,
  idAt: number,
  event: Omit<NewEvent, "id">,
): string {
  scratch[0] = 0;
  scratch[1] = ENTRY_VERSION;
  scratch.writeUInt16BE(shard, 2);
  writeInteger(revision, 4);
  for (let i = 0; i < 16; i++) scratch[12 + i] = id[idAt + i] ?? 0;
  const { length } = event.type;
  scratch[28] = length;
  scratch.write(event.type, 29, binary);
  let at = 29 + length;
  scratch.writeUInt16BE(event.version, at);
  writeInteger(event.at, at + 2);
  scratch.write(hash("sha256", event.data, binary), at + 10, binary);
  at += 42;
  return hash("sha256", scratch.subarray(0, at), binary);
}

function writeInteger(value: number, at: number): void {
  scratch.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  scratch.writeUInt32BE(value % 2 ** 32, at + 4);
}

/** The 32-byte leaf hash of an event at its place; `leafText` says what it covers. */
export function leafHash(event: Omit<StoredEvent, "leaf">): Uint8Array {
  return Buffer.from(leafText(event.shard, event.revision, idBytes(event.id), 0, event), binary);
}
