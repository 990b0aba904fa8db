import { Buffer } from "node:buffer";
import type { MessagePort } from "node:worker_threads";
import { assert, LedgerError } from "../../../domain/errors.ts";
import type { Revision } from "../../../domain/position.ts";
import type { EventLog } from "../../../ports/event-log.ts";
import { encodeFrames } from "../../../ports/frame-bytes.ts";
import type { Batch } from "../../frames.ts";
import { type BatchDelivery, decodeRead, decodeSubscription } from "../event-log/batch-source.ts";
import { fromFault, type LogReply, type LogRequest, type WireBatch } from "./messages.ts";

type Waiting = Readonly<PromiseWithResolvers<LogReply>> & Pick<LogRequest, "call" | "kind">;
type Opening = Extract<LogRequest, { kind: "read" | "subscribe" }>;

/**
 * The log that `serveLog` serves at the other end of the port. Streams are pulled, and fetch one piece of history
 * ahead. `close` closes the port, not the log. If the other end goes away, appends under way end with outcome_unknown
 * and everything else with log_unavailable.
 */
export function connectLog(port: MessagePort): EventLog {
  const calls = openCalls(port);
  let numbers = 0;
  return {
    append: async (shard, expectedRevision, events) => {
      const request = { call: numbers++, kind: "append", shard, expectedRevision } as const;
      // The threads share these bytes; this one must not change them before the reply.
      if (events.bytes) return await calls.askRevision({ ...request, frames: events.bytes });
      const frames = encodeFrames(events);
      return await calls.askRevision({ ...request, frames }, [frames.buffer]);
    },
    head: (shard) => calls.askRevision({ call: numbers++, kind: "head", shard }),
    read: (shard, from, options) =>
      decodeRead(batches(calls, { call: numbers++, kind: "read", shard, from, limit: options?.limit })),
    subscribe: (shard, from, signal) =>
      decodeSubscription(stream(calls, { call: numbers++, kind: "subscribe", shard, from }, signal), signal),
    close: calls.close,
  };
}

/** Requests and replies over one port. */
type Calls = {
  /** Sends a request without a reply. */
  readonly tell: (request: LogRequest) => void;
  readonly ask: (request: LogRequest, transfer?: ArrayBuffer[]) => Promise<LogReply>;
  readonly askRevision: (request: LogRequest, transfer?: ArrayBuffer[]) => Promise<Revision>;
  /** Waits for appends and heads, but not for streams. */
  readonly close: () => Promise<void>;
};

function openCalls(port: MessagePort): Calls {
  /**
   * An array, since there are few at a time, and not a Map: V8 links each table that a Map has outgrown to the next
   * one, so an old table keeps all later ones and their batches alive, and minor collections take ten times as long.
   */
  const waiting: Waiting[] = [];
  let closed = false;
  let released = false;
  port.on("message", (reply: LogReply) => {
    const at = waiting.findIndex(({ call }) => call === reply.call);
    const [caller] = at < 0 ? [] : waiting.splice(at, 1);
    caller?.resolve(reply);
  });
  port.on("close", () => {
    closed = true;
    for (const { reject, kind } of waiting.splice(0)) reject(gone(kind));
  });
  const ask: Calls["ask"] = (request, transfer = []) => {
    if (closed) return Promise.reject(gone(released ? "head" : request.kind));
    const { promise, resolve, reject } = Promise.withResolvers<LogReply>();
    port.postMessage(request, transfer);
    waiting.push({ call: request.call, kind: request.kind, promise, resolve, reject });
    return promise;
  };
  return {
    tell: (request) => port.postMessage(request),
    ask,
    async askRevision(request, transfer) {
      const reply = await ask(request, transfer);
      if (reply.kind === "failed") throw fromFault(reply.fault);
      assert(reply.kind === "revision", `a revision is the answer, not ${reply.kind}`);
      return reply.revision;
    },
    async close() {
      await Promise.allSettled(waiting.filter(({ kind }) => kind !== "pull").map(({ promise }) => promise));
      released = true;
      closed = true;
      port.close();
    },
  };
}

function gone(kind: LogRequest["kind"]): LedgerError {
  const code = kind === "append" ? "outcome_unknown" : "log_unavailable";
  return new LedgerError(code, "the connection to the event log is closed", { retryable: true });
}

async function* stream(
  { tell, ask }: Calls,
  opening: Opening,
  signal?: AbortSignal,
): AsyncGenerator<BatchDelivery, void, void> {
  const { call } = opening;
  const pull = (): Promise<LogReply> => {
    const reply = ask({ call, kind: "pull" });
    // A piece fetched ahead may never be consumed.
    reply.catch(() => undefined);
    return reply;
  };
  const stop = () => tell({ call, kind: "stop" });
  tell(opening);
  signal?.addEventListener("abort", stop);
  try {
    for (let next = pull(); ; ) {
      const reply = await next;
      if (reply.kind === "end" || signal?.aborted) return;
      if (reply.kind === "failed") throw fromFault(reply.fault);
      if (reply.kind === "caught_up") {
        // Do not fetch ahead here: a later request gets more of the events that arrive meanwhile.
        yield reply;
        next = pull();
        continue;
      }
      next = pull();
      if (reply.kind === "batch") yield { kind: "batches", batches: [fromWire(reply.batch)] };
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
  }
}

async function* batches(calls: Calls, opening: Opening): AsyncGenerator<readonly Batch[], void, void> {
  for await (const delivery of stream(calls, opening)) if (delivery.kind === "batches") yield delivery.batches;
}

function fromWire({ frames, leaves, ...batch }: WireBatch): Batch {
  return { ...batch, frames: Buffer.from(frames.buffer), leaves: Buffer.from(leaves.buffer) };
}
