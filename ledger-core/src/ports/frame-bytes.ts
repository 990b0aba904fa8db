import { Buffer } from "node:buffer";
import { assert } from "../domain/errors.ts";
import { idFromBytes, writeIdBytes } from "../domain/ids.ts";
import type { NewEvent } from "./event-log.ts";

/**
 * id 16 · time 8 · schema version 2 · type length 1 · data length 4, integers big-endian; then the type in ASCII and
 * the data.
 */
export const HEADER_BYTES = 31;
export const ID_BYTES = 16;
export const TIME_AT = 16;
export const VERSION_AT = 24;
export const TYPE_LENGTH_AT = 26;
const DATA_LENGTH_AT = 27;
const typeGrammar = /^[A-Za-z][A-Za-z0-9]{0,254}$/;
const knownTypes = new Map<string, string>();

/** Frames events one after another in a new buffer. */
export function encodeFrames(events: Iterable<NewEvent>): Buffer<ArrayBuffer> {
  let size = 0;
  for (const { type, data } of events) size += HEADER_BYTES + type.length + Buffer.byteLength(data);
  const frames = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const event of events) at = writeFrame(frames, at, event);
  return frames;
}

/** The most bytes that an event's frame can take. */
export function frameRoom({ type, data }: NewEvent): number {
  return HEADER_BYTES + type.length + (typeof data === "string" ? 3 : 1) * data.length;
}

/** Writes a frame and returns its end. Text becomes bytes only here: a buffer per event costs more than its bytes. */
export function writeFrame(frames: Buffer, at: number, event: NewEvent): number {
  const { type, version, data } = event;
  if (!knownTypes.has(type)) {
    assert(typeGrammar.test(type), `an event type is an identifier, not ${JSON.stringify(type)}`);
    learn(type);
  }
  assert(Number.isSafeInteger(event.at) && event.at >= 0, "an event's time is a count of microseconds");
  const dataAt = at + HEADER_BYTES + type.length;
  const length = typeof data === "string" ? frames.write(data, dataAt, "utf8") : data.length;
  if (typeof data !== "string") frames.set(data, dataAt);
  writeIdBytes(event.id, frames, at);
  frames.writeUInt32BE(Math.floor(event.at / 2 ** 32), at + TIME_AT);
  frames.writeUInt32BE(event.at % 2 ** 32, at + TIME_AT + 4);
  frames.writeUInt16BE(version, at + VERSION_AT);
  frames[at + TYPE_LENGTH_AT] = type.length;
  frames.writeUInt32BE(length, at + DATA_LENGTH_AT);
  frames.write(type, at + HEADER_BYTES, "latin1");
  return dataAt + length;
}

/** The end of the frame at `at`; undefined if it is incomplete. */
export function frameEnd(frames: Buffer, at: number): number | undefined {
  if (at + HEADER_BYTES > frames.length) return undefined;
  const end = at + HEADER_BYTES + (frames[at + TYPE_LENGTH_AT] ?? 0) + frames.readUInt32BE(at + DATA_LENGTH_AT);
  return end > frames.length ? undefined : end;
}

/** Keeps one string per type; bounded, since a damaged log could hold any number of names. */
function learn(type: string): string {
  if (knownTypes.size < 256) knownTypes.set(type, type);
  return type;
}

/** Decodes the frame between `at` and `end`; its data is a view. */
export function decodeFrame(frames: Buffer, at: number, end: number): NewEvent & { readonly data: Uint8Array } {
  const dataAt = at + HEADER_BYTES + (frames[at + TYPE_LENGTH_AT] ?? 0);
  const type = frames.toString("latin1", at + HEADER_BYTES, dataAt);
  return {
    id: idFromBytes("evt", frames, at),
    type: knownTypes.get(type) ?? learn(type),
    version: frames.readUInt16BE(at + VERSION_AT),
    at: frames.readUInt32BE(at + TIME_AT) * 2 ** 32 + frames.readUInt32BE(at + TIME_AT + 4),
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
