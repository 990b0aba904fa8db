import { Buffer } from "node:buffer";
import { assert } from "../domain/errors.ts";
import type { Events, NewEvent } from "./event-log.ts";
import { decodeFrame, decodeFrames, frameEnd, frameRoom, writeFrame } from "./frame-bytes.ts";

/** Enough for most of the writer's appends. */
const BYTES = 1 << 20;
const FREE_MAX = 4;

/** The end of the frames after some events: a point to roll back to. */
export type FramesMark = { readonly size: number; readonly length: number };

/** The writer's batch: events are framed as they are added, in bytes that the log's thread shares. */
export class EventFrames implements Events {
  #bytes: Buffer;
  #size = 0;
  #length = 0;
  /** Start offsets of the frames, as far as they have been needed. */
  readonly #starts: number[] = [0];

  constructor(bytes: Buffer = newBytes(BYTES)) {
    this.#bytes = bytes;
  }

  /** The number of events. */
  get length(): number {
    return this.#length;
  }
  /** The number of bytes. */
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
  /** Removes the events added after a mark. */
  truncate({ size, length }: FramesMark): void {
    this.#size = size;
    this.#length = length;
    this.#starts.length = Math.min(this.#starts.length, length + 1);
  }

  /** Reads the nth event back from its frame; its data is a copy. */
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

  /** Copies of the events, for any log. */
  [Symbol.iterator](): Iterator<NewEvent> {
    return decodeFrames(Buffer.from(this.bytes))[Symbol.iterator]();
  }
}

/**
 * Reuses the buffers of batches: new ones would cost page faults and garbage collections. Do not give back a buffer
 * after a failed append, since the log's thread may still read it.
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
