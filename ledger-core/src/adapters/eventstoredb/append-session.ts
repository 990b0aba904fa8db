import type { Buffer } from "node:buffer";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import type { AppendRequest } from "./append-request.ts";
import type { Connected } from "./connection.ts";
import { BatchAppendResp, StreamsService } from "./stubs.ts";

/** Outcome of one attempt. After `lost` or `silent`, nobody knows whether the append was written. */
export type AppendOutcome =
  | { readonly kind: "reply"; readonly reply: BatchAppendResp }
  | { readonly kind: "lost"; readonly error: unknown; readonly proven: boolean }
  | { readonly kind: "silent" };

type Pending = (outcome: AppendOutcome) => void;

/**
 * One shard's BatchAppend call, which sends its appends one at a time. The shard has its own table of pending appends,
 * so faults of other shards and connections do not affect it; every append has a timeout.
 */
export class AppendSession {
  readonly connected: Connected;
  readonly #call: ClientDuplexStream<Buffer, BatchAppendResp>;
  readonly #pending = new Map<string, Pending>();
  readonly #onLost: (error: unknown) => void;
  /** The server has answered on this call: it accepted our login and is the leader. */
  #proven = false;
  #open = true;

  constructor(connected: Connected, onLost: (error: unknown) => void) {
    this.connected = connected;
    this.#onLost = onLost;
    const { path } = StreamsService.batchAppend;
    this.#call = connected.streams.makeBidiStreamRequest(
      path,
      (bytes: Buffer) => bytes,
      (bytes) => BatchAppendResp.deserializeBinary(bytes),
      connected.metadata,
      {},
    );
    this.#call.on("data", (reply: BatchAppendResp) => this.#answered(reply));
    this.#call.on("error", (error) => this.#lost(error));
    this.#call.on("end", () => this.#lost(new Error("the server ended the call")));
  }

  get open(): boolean {
    return this.#open;
  }

  /** Sends an append and waits for its reply, the end of the call, or the timeout; after a timeout the call is over. */
  append(request: AppendRequest, timeoutMs: number): Promise<AppendOutcome> {
    const { promise, resolve } = Promise.withResolvers<AppendOutcome>();
    const timer = setTimeout(() => {
      this.#pending.delete(request.correlation);
      this.#lost(new Error(`no reply within ${timeoutMs} ms`));
      resolve({ kind: "silent" });
    }, timeoutMs);
    this.#pending.set(request.correlation, (outcome) => {
      clearTimeout(timer);
      resolve(outcome);
    });
    this.#call.write(request.bytes);
    return promise;
  }

  close(): void {
    this.#lost(new Error("the event log was closed"));
  }

  #answered(reply: BatchAppendResp): void {
    this.#proven = true;
    const correlation = reply.getCorrelationId()?.getString() ?? "";
    const pending = this.#pending.get(correlation);
    // Nobody waits for a late reply to an abandoned append.
    this.#pending.delete(correlation);
    pending?.({ kind: "reply", reply });
  }

  #lost(error: unknown): void {
    if (!this.#open) return;
    this.#open = false;
    this.#call.cancel();
    this.#onLost(error);
    for (const pending of this.#pending.values()) pending({ kind: "lost", error, proven: this.#proven });
    this.#pending.clear();
  }
}
