import { Buffer } from "node:buffer";
import { assert } from "../domain/errors.ts";
import type { Events, NewEvent } from "./event-log.ts";
import { decodeFrame, decodeFrames, frameEnd, frameRoom, writeFrame } from "./frame-bytes.ts";

/** As much as an append of the writer usually holds at most. */
const BYTES = 1 << 20;
const FREE_MAX = 4;

/** Where the frames end after some of the events: a point to go back to. */
export type FramesMark = { readonly size: number; readonly length: number };

/**
 * Events on their way to a log, framed as they are added: the writer's batch. Nothing is left of an event but its
 * bytes, and they lie where the log's thread sees them too.
 */
export class EventFrames implements Events {
  #bytes: Buffer;
  #size = 0;
  #length = 0;
  /** Where frames begin, as far as somebody asked for one. */
  readonly #starts: number[] = [0];

  constructor(bytes: Buffer = newBytes(BYTES)) {
    this.#bytes = bytes;
  }

  /** How many events. */
  get length(): number {
    return this.#length;
  }
  /** How many bytes. */
  get size(): number {
    return this.#size;
  }
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#size);
  }

  add(event: NewEvent): void {
    this.#makeRoom(frameRoom(event));
    this.#size = writeFrame(this.#bytes, this.#size, event);
    this.#length++;
  }

  #makeRoom(room: number): void {
    const needed = this.#size + room;
    if (needed <= this.#bytes.length) return;
    const larger = newBytes(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.bytes);
    this.#bytes = larger;
  }

  mark(): FramesMark {
    return { size: this.#size, length: this.#length };
  }
  /** Forgets what was added after a mark. */
  truncate({ size, length }: FramesMark): void {
    this.#size = size;
    this.#length = length;
    this.#starts.length = Math.min(this.#starts.length, length + 1);
  }

  /** The nth event, read back from its frame, in bytes of its own. */
  at(nth: number): NewEvent & { readonly data: Uint8Array } {
    assert(nth >= 0 && nth < this.#length, `there is an event ${nth} among ${this.#length}`);
    const { bytes } = this;
    for (let last = this.#starts.length - 1; last <= nth; last++) {
      const end = frameEnd(bytes, this.#starts[last] ?? 0);
      assert(end !== undefined, "frames end where a frame ends");
      this.#starts.push(end);
    }
    const start = this.#starts[nth] ?? 0;
    const event = decodeFrame(bytes, start, this.#starts[nth + 1] ?? 0);
    return { ...event, data: Buffer.from(event.data) };
  }

  /** The events as any log can take them, in bytes of their own. */
  [Symbol.iterator](): Iterator<NewEvent> {
    return decodeFrames(Buffer.from(this.bytes))[Symbol.iterator]();
  }
}

/**
 * Bytes for batches, used again and again: new ones for each would be paid for in fresh pages and in garbage
 * collections. After a failed append the bytes may still be read, so they are not given back.
 */
export function makeFramesPool(): { take(): EventFrames; giveBack(frames: EventFrames): void } {
  const free: Buffer[] = [];
  return {
    take: () => new EventFrames(free.pop()),
    giveBack: ({ bytes: { buffer } }) => {
      if (free.length < FREE_MAX && buffer.byteLength === BYTES) free.push(Buffer.from(buffer));
    },
  };
}

function newBytes(size: number): Buffer {
  return Buffer.from(new SharedArrayBuffer(size));
}
