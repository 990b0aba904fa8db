import type { ClientReadableStream } from "@grpc/grpc-js";
import type { Connected } from "./connection.ts";
import { type EsdbRead, encodeRead } from "./messages.ts";
import type { ReadResp } from "./stubs.ts";

/** Most messages buffered for the consumer; the call is paused at this number. */
const WAITING_MAX = 1024;

/** A read or a subscription whose messages are pulled by the consumer. */
export class ReadCall {
  readonly #call: ClientReadableStream<ReadResp>;
  readonly #onFailed: (error: unknown) => unknown;
  readonly #waiting: ReadResp[] = [];
  #ended = false;
  #failure: unknown;
  #wake: (() => void) | undefined;

  /** @param onFailed called once with the reason the call failed; returns the error to throw */
  constructor({ streams, metadata }: Connected, reading: EsdbRead, onFailed: (error: unknown) => unknown) {
    this.#onFailed = onFailed;
    this.#call = streams.read(encodeRead(reading), metadata);
    this.#call.on("data", (message: ReadResp) => {
      this.#waiting.push(message);
      if (this.#waiting.length >= WAITING_MAX) this.#call.pause();
      this.#wake?.();
    });
    this.#call.on("end", () => this.#end(undefined));
    this.#call.on("error", (error) => this.#end(error));
  }

  /**
   * Waits for messages and returns 1 to `most` of them; none once the server has ended the call.
   * @param silenceMs how long the server may be silent
   * @throws the call's failure, once all earlier messages are taken
   */
  async take(most: number, silenceMs: number): Promise<readonly ReadResp[]> {
    if (!(await this.arrived(silenceMs))) this.cancel(new Error(`no answer within ${silenceMs} ms`));
    const taken = this.takeWaiting(most);
    if (taken.length === 0 && this.#failure) throw this.#failure;
    return taken;
  }

  /** Resolves to true once there is a message or the call is over, to false after `withinMs`. */
  async arrived(withinMs: number): Promise<boolean> {
    if (this.#waiting.length > 0 || this.#ended) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#wake = () => resolve(true);
    const timer = setTimeout(resolve, withinMs, false);
    const arrived = await promise;
    clearTimeout(timer);
    this.#wake = undefined;
    return arrived;
  }

  /** Like `take` without the wait: returns at once, possibly with nothing. */
  takeWaiting(most: number): readonly ReadResp[] {
    const taken = this.#waiting.splice(0, most);
    if (this.#call.isPaused()) this.#call.resume();
    return taken;
  }

  /** Ends the call; a waiting `take` throws the error, if there is one. */
  cancel(error?: unknown): void {
    this.#end(error);
    this.#call.cancel();
  }

  #end(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    if (error !== undefined) this.#failure = this.#onFailed(error);
    this.#wake?.();
  }
}
