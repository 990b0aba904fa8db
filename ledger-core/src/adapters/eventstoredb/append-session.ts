import type { Buffer } from "node:buffer";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import type { AppendRequest } from "./append-request.ts";
import type { Connected } from "./connection.ts";
import { BatchAppendResp, StreamsService } from "./stubs.ts";

/** What became of one attempt. Of an append that is lost or silent nobody knows whether it was written. */
export type AppendOutcome =
  | { readonly kind: "reply"; readonly reply: BatchAppendResp }
  | { readonly kind: "lost"; readonly error: unknown; readonly proven: boolean }
  | { readonly kind: "silent" };

type Pending = (outcome: AppendOutcome) => void;

/**
 * A BatchAppend call of one shard, over which its appends go one after another. Its table of pending appends is its
 * own, so that no fault of another shard or connection is one here, and every append has a timer.
 */
export class AppendSession {
  readonly connected: Connected;
  readonly #call: ClientDuplexStream<Buffer, BatchAppendResp>;
  readonly #pending = new Map<string, Pending>();
  readonly #onLost: (error: unknown) => void;
  /** The server has answered on this call: it let us in, and is the leader. */
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

  /** Sends an append and waits for its reply, the end of the call, or the end of its time; the call then is over. */
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
    // A late reply to an append that was given up has nobody to go to.
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
