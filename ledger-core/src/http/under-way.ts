import type { Caller } from "../domain/caller.ts";
import { BODY_BYTES_MAX, type EdgeLimits } from "./limits.ts";
import { Problem } from "./problems.ts";

/** A request that counts against its caller until it is answered and its client has the answer or is gone. */
export type Held = {
  readonly load: CallerLoad;
  readonly bytes: number;
  answered: boolean;
  gone: boolean;
};

/** One caller's requests under way. */
type CallerLoad = { readonly tenant: string; readonly sub: string; requests: number; bytes: number };

/** The most idle callers whose entries are kept. */
const IDLE_MAX = 256;

const nobody = { tenant: "", sub: "" };
const later = { headers: { "retry-after": "1" } };

/**
 * Counts requests under way and the bytes of their bodies, per caller and in all. A command whose client is gone counts
 * until the writer is done with it, and an answer until it is read: closing connections early frees nothing.
 */
export class UnderWay {
  readonly #limits: EdgeLimits;
  /** By tenant and sub: callers with something under way, and up to IDLE_MAX that had something a moment ago. */
  readonly #callers = new Map<string, Map<string, CallerLoad>>();
  #known = 0;
  #active = 0;
  #requests = 0;
  #bytes = 0;
  #bulkBytes = 0;

  constructor(limits: EdgeLimits) {
    this.#limits = limits;
  }

  get requests(): number {
    return this.#requests;
  }
  get bytes(): number {
    return this.#bytes;
  }
  /** Callers with something under way. */
  get callers(): number {
    return this.#active;
  }

  /**
   * Admits a request before its body is read. `caller` null: on an open route.
   * @throws Problem `too_many_requests` when this caller has too much under way, `overloaded` when all callers together
   * have
   */
  begin(caller: Caller | null, bytes: number): Held {
    const { tenant, sub } = caller ?? nobody;
    const { callerRequestsMax, anonymousRequestsMax, callerBodyBytesMax } = this.#limits;
    const known = this.#callers.get(tenant)?.get(sub);
    if (known !== undefined) {
      if (known.requests >= (caller === null ? anonymousRequestsMax : callerRequestsMax))
        throw new Problem("too_many_requests", "This caller has too many requests under way.", later);
      if (bytes > 0 && known.bytes > 0 && known.bytes + bytes > callerBodyBytesMax)
        throw new Problem("too_many_requests", "This caller has too many bytes of bodies under way.", later);
    }
    this.#admitBytes(bytes);
    const load = known ?? this.#add(tenant, sub);
    if (load.requests++ === 0) this.#active++;
    load.bytes += bytes;
    this.#requests++;
    return { load, bytes, answered: false, gone: false };
  }

  /** The request has its answer, which may not have been sent yet. */
  answered(held: Held): void {
    if (held.answered) return;
    held.answered = true;
    if (held.gone) this.#release(held);
  }

  /** The answer was sent completely, or the client is gone. */
  gone(held: Held): void {
    if (held.gone) return;
    held.gone = true;
    if (held.answered) this.#release(held);
  }

  #admitBytes(bytes: number): void {
    const { bodyBytesMax } = this.#limits;
    const bulk = bytes > BODY_BYTES_MAX;
    // A quarter is left for single commands, however many bulks there are.
    if (this.#bytes + bytes > bodyBytesMax || (bulk && this.#bulkBytes + bytes > bodyBytesMax * 0.75))
      throw new Problem("overloaded", "Too many bytes of bodies are under way; nothing was accepted.", later);
    this.#bytes += bytes;
    if (bulk) this.#bulkBytes += bytes;
  }

  #add(tenant: string, sub: string): CallerLoad {
    const load = { tenant, sub, requests: 0, bytes: 0 };
    const subs = this.#callers.get(tenant);
    if (subs === undefined) this.#callers.set(tenant, new Map([[sub, load]]));
    else subs.set(sub, load);
    this.#known++;
    return load;
  }

  #release({ load, bytes }: Held): void {
    this.#requests--;
    this.#bytes -= bytes;
    if (bytes > BODY_BYTES_MAX) this.#bulkBytes -= bytes;
    load.requests--;
    load.bytes -= bytes;
    if (load.requests > 0) return;
    this.#active--;
    // A client that sends one request after the other finds its entry again.
    if (this.#known - this.#active <= IDLE_MAX) return;
    this.#known--;
    const subs = this.#callers.get(load.tenant);
    subs?.delete(load.sub);
    if (subs?.size === 0) this.#callers.delete(load.tenant);
  }
}
