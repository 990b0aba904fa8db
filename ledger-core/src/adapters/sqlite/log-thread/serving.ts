import { Buffer } from "node:buffer";
import type { MessagePort } from "node:worker_threads";
import { assert, unreachable } from "../../../domain/errors.ts";
import type { EventLog, StoredEvent } from "../../../ports/event-log.ts";
import { decodeFrames, encodeFrames } from "../../../ports/frame-bytes.ts";
import { type Batch, isIntact, joinBatches } from "../../frames.ts";
import type { BatchDelivery, BatchSource, FrameSink } from "../event-log/batch-source.ts";
import { type LogReply, type LogRequest, toFault, type WireBatch } from "./messages.ts";

type Stream = { readonly deliveries: AsyncGenerator<BatchDelivery, void, void>; readonly abort: AbortController };
type Answer = LogReply extends infer R ? (R extends LogReply ? Omit<R, "call"> : never) : never;

/**
 * Where events are checked against their leaves: `there` (the default), on the asking thread, or `here`. A batch that
 * fails here is sent anyway: the other end names the bad event.
 */
type ServeOptions = { readonly check?: "here" | "there" };

/**
 * Serves a log to the other end of the port (`connectLog`), until the returned function is called or the other end
 * closes. The log stays open. Batches are sent as stored, so that the other thread can check them.
 */
export function serveLog(
  log: EventLog | (EventLog & BatchSource & FrameSink),
  port: MessagePort,
  options: ServeOptions = {},
): () => void {
  const check = options.check === "here";
  const source = "readBatches" in log ? log : batchesOf(log);
  const streams = new Map<number, Stream>();

  const reply = (call: number, answer: Answer): void => {
    const transfer = answer.kind === "batch" ? [answer.batch.frames.buffer, answer.batch.leaves.buffer] : [];
    port.postMessage({ call, ...answer }, transfer);
  };
  const open = (call: number, deliveries: Stream["deliveries"], abort: AbortController): void => {
    streams.set(call, { deliveries, abort });
  };
  const stop = (call: number): void => {
    const stream = streams.get(call);
    streams.delete(call);
    stream?.abort.abort();
    stream?.deliveries.return().catch(() => undefined);
  };
  const answer = async (request: Exclude<LogRequest, { kind: "read" | "subscribe" | "stop" }>): Promise<Answer> => {
    switch (request.kind) {
      case "append": {
        const { shard, expectedRevision, frames } = request;
        // The other thread shares these bytes, and does not change them before the reply.
        const bytes = Buffer.from(frames.buffer, frames.byteOffset, frames.byteLength);
        const revision =
          "appendFrames" in log
            ? await log.appendFrames(shard, expectedRevision, bytes)
            : await log.append(shard, expectedRevision, decodeFrames(bytes));
        return { kind: "revision", revision };
      }
      case "head":
        return { kind: "revision", revision: await log.head(request.shard) };
      case "pull":
        return await nextOf(streams.get(request.call), check);
      default:
        return unreachable(request);
    }
  };

  port.on("message", (request: LogRequest) => {
    const { call } = request;
    const abort = new AbortController();
    switch (request.kind) {
      case "read":
        return open(call, readDeliveries(source.readBatches(request.shard, request.from, request.limit)), abort);
      case "subscribe":
        return open(call, deliveriesOf(source.subscribeBatches(request.shard, request.from, abort.signal)), abort);
      case "stop":
        return stop(call);
      default:
        answer(request).then(
          (value) => reply(call, value),
          (error: unknown) => reply(call, { kind: "failed", fault: toFault(error) }),
        );
    }
  });
  const stopAll = (): void => {
    for (const call of [...streams.keys()]) stop(call);
  };
  port.on("close", stopAll);
  return () => {
    stopAll();
    port.close();
  };
}

async function nextOf(stream: Stream | undefined, check: boolean): Promise<Answer> {
  const step = await stream?.deliveries.next();
  if (!step || step.done) return { kind: "end" };
  const { value } = step;
  if (value.kind === "caught_up") return value;
  const [only, ...others] = value.batches;
  const batch = only && others.length === 0 ? only : joinBatches(value.batches);
  return { kind: "batch", batch: toWire(batch, batch.checked === true || (check && isIntact(batch))) };
}

/**
 * Copies views into their own buffers: a transfer takes the whole buffer, and Node's pool must never be transferred.
 */
function toWire({ shard, first, count, frames, leaves }: Batch, checked: boolean): WireBatch {
  return { shard, first, count, frames: ownBytes(frames), leaves: ownBytes(leaves), checked };
}

function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength) return new Uint8Array(buffer);
  return new Uint8Array(bytes);
}

async function* readDeliveries(pieces: AsyncIterable<readonly Batch[]>): AsyncGenerator<BatchDelivery, void, void> {
  for await (const batches of pieces) yield { kind: "batches", batches };
}

async function* deliveriesOf(deliveries: AsyncIterable<BatchDelivery>): AsyncGenerator<BatchDelivery, void, void> {
  yield* deliveries;
}

/** Adapts any other log: frames its events again, with their leaves. */
function batchesOf(log: EventLog): BatchSource {
  return {
    async *readBatches(shard, from, limit) {
      for await (const events of log.read(shard, from, limit === undefined ? {} : { limit })) yield [toBatch(events)];
    },
    async *subscribeBatches(shard, from, signal) {
      for await (const delivery of log.subscribe(shard, from, signal))
        yield delivery.kind === "events" ? { kind: "batches", batches: [toBatch(delivery.events)] } : delivery;
    },
  };
}

function toBatch(events: readonly StoredEvent[]): Batch {
  const [head] = events;
  assert(head, "a log never yields an empty list");
  const leaves = Buffer.concat(events.map((event) => event.leaf));
  return { shard: head.shard, first: head.revision, count: events.length, frames: encodeFrames(events), leaves };
}
