import { Buffer } from "node:buffer";
import type { MessagePort } from "node:worker_threads";
import { assert, LedgerError } from "../../../domain/errors.ts";
import type { Revision } from "../../../domain/position.ts";
import type { EventLog } from "../../../ports/event-log.ts";
import { encodeFrames } from "../../../ports/frame-bytes.ts";
import { type BatchDelivery, decodeRead, decodeSubscription } from "../event-log/batch-source.ts";
import type { Batch } from "../event-log/frames.ts";
import { fromFault, type LogReply, type LogRequest, type WireBatch } from "./messages.ts";

type Waiting = Readonly<PromiseWithResolvers<LogReply>> & Pick<LogRequest, "call" | "kind">;
type Opening = Extract<LogRequest, { kind: "read" | "subscribe" }>;

/**
 * The log that `serveLog` serves at the other end of the port. Events are checked here, in this thread. Streams are
 * pulled: one piece is fetched ahead while the one before is worked on, no more. `close` lets go of the port, not of
 * the log. When the other end goes away, appends under way end with outcome_unknown and everything else with
 * log_unavailable.
 */
export function connectLog(port: MessagePort): EventLog {
  /**
   * Few at a time, and not in a Map: V8 lets each table that a Map has outgrown point to the next one, so that one
   * grown old keeps all that came after it alive, appended batches too, and every small garbage collection takes ten
   * times as long.
   */
  const waiting: Waiting[] = [];
  let calls = 0;
  let closed = false;
  let released = false;

  const gone = (kind: LogRequest["kind"]): LedgerError => {
    const code = kind === "append" ? "outcome_unknown" : "log_unavailable";
    return new LedgerError(code, "the connection to the event log is closed", { retryable: true });
  };
  const ask = (request: LogRequest, transfer: ArrayBuffer[] = []): Promise<LogReply> => {
    if (closed) return Promise.reject(gone(released ? "head" : request.kind));
    const { promise, resolve, reject } = Promise.withResolvers<LogReply>();
    port.postMessage(request, transfer);
    waiting.push({ call: request.call, kind: request.kind, promise, resolve, reject });
    return promise;
  };
  const askRevision = async (request: LogRequest, transfer?: ArrayBuffer[]): Promise<Revision> => {
    const reply = await ask(request, transfer);
    if (reply.kind === "failed") throw fromFault(reply.fault);
    assert(reply.kind === "revision", `a revision is the answer, not ${reply.kind}`);
    return reply.revision;
  };
  port.on("message", (reply: LogReply) => {
    const at = waiting.findIndex(({ call }) => call === reply.call);
    const [caller] = at < 0 ? [] : waiting.splice(at, 1);
    caller?.resolve(reply);
  });
  port.on("close", () => {
    closed = true;
    for (const { reject, kind } of waiting.splice(0)) reject(gone(kind));
  });

  async function* stream(opening: Opening, signal?: AbortSignal): AsyncGenerator<BatchDelivery, void, void> {
    const { call } = opening;
    const pull = (): Promise<LogReply> => {
      const reply = ask({ call, kind: "pull" });
      // A piece fetched ahead may never be looked at.
      reply.catch(() => undefined);
      return reply;
    };
    const stop = () => port.postMessage({ call, kind: "stop" } satisfies LogRequest);
    port.postMessage(opening);
    signal?.addEventListener("abort", stop);
    try {
      for (let next = pull(); ; ) {
        const reply = await next;
        if (reply.kind === "end" || signal?.aborted) return;
        if (reply.kind === "failed") throw fromFault(reply.fault);
        next = pull();
        if (reply.kind === "caught_up") yield reply;
        else if (reply.kind === "batch") yield { kind: "batches", batches: [fromWire(reply.batch)] };
      }
    } finally {
      signal?.removeEventListener("abort", stop);
      stop();
    }
  }
  async function* batches(opening: Opening): AsyncGenerator<readonly Batch[], void, void> {
    for await (const delivery of stream(opening)) if (delivery.kind === "batches") yield delivery.batches;
  }

  return {
    append: async (shard, expectedRevision, events) => {
      const request = { call: calls++, kind: "append", shard, expectedRevision } as const;
      // Both threads see these bytes; this one leaves them alone until it has the answer.
      if (events.bytes) return await askRevision({ ...request, frames: events.bytes });
      const frames = encodeFrames(events);
      return await askRevision({ ...request, frames }, [frames.buffer]);
    },
    head: (shard) => askRevision({ call: calls++, kind: "head", shard }),
    read: (shard, from, options) =>
      decodeRead(batches({ call: calls++, kind: "read", shard, from, limit: options?.limit })),
    subscribe: (shard, from, signal) =>
      decodeSubscription(stream({ call: calls++, kind: "subscribe", shard, from }, signal), signal),
    close: async () => {
      // Appends and heads end first; streams are let go.
      await Promise.allSettled(waiting.filter(({ kind }) => kind !== "pull").map(({ promise }) => promise));
      released = true;
      closed = true;
      port.close();
    },
  };
}

function fromWire({ frames, leaves, ...batch }: WireBatch): Batch {
  return { ...batch, frames: Buffer.from(frames.buffer), leaves: Buffer.from(leaves.buffer) };
}
