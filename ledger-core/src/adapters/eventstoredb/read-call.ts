import type { ClientReadableStream } from "@grpc/grpc-js";
import type { Connected } from "./connection.ts";
import { type EsdbRead, encodeRead } from "./messages.ts";
import type { ReadResp } from "./stubs.ts";

/** Messages that may wait for the consumer: beyond them the server is not read from. */
const WAITING_MAX = 1024;

/** A read or a subscription: its messages as they come, at the consumer's pace. */
export class ReadCall {
  readonly #call: ClientReadableStream<ReadResp>;
  readonly #onFailed: (error: unknown) => unknown;
  readonly #waiting: ReadResp[] = [];
  #ended = false;
  #failure: unknown;
  #wake: (() => void) | undefined;

  /** @param onFailed told why the call failed, once; gives the error that is thrown for it */
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
   * What has arrived, at least one message, at most `most`; nothing when the server has ended the call.
   * @param silenceMs how long the server may be silent
   * @throws the failure of the call, after what came before it was taken
   */
  async take(most: number, silenceMs: number): Promise<readonly ReadResp[]> {
    if (!(await this.arrived(silenceMs))) this.cancel(new Error(`no answer within ${silenceMs} ms`));
    const taken = this.takeWaiting(most);
    if (taken.length === 0 && this.#failure) throw this.#failure;
    return taken;
  }

  /** Waits until there is something to take, or the call is over; false when its time was up before. */
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

  /** As `take`, but does not wait: nothing when nothing has arrived. */
  takeWaiting(most: number): readonly ReadResp[] {
    const taken = this.#waiting.splice(0, most);
    if (this.#call.isPaused()) this.#call.resume();
    return taken;
  }

  /** Ends the call. With an error: whoever waits for a message is told it. */
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
