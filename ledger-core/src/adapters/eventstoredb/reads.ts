import { setImmediate as nextTurn } from "node:timers/promises";
import { assert, LedgerError } from "../../domain/errors.ts";
import { NO_REVISION, type Revision, type Shard } from "../../domain/position.ts";
import type { Delivery, StoredEvent } from "../../ports/event-log.ts";
import type { EsdbConnection } from "./connection.ts";
import { closedError, dropped, unavailable } from "./faults.ts";
import type { EsdbRead } from "./messages.ts";
import { Pieces } from "./pieces.ts";
import { ReadCall } from "./read-call.ts";
import { Resuming } from "./resuming.ts";

export type ReadsOptions = {
  readonly connection: EsdbConnection;
  readonly streamOf: (shard: Shard) => string;
  readonly silenceMs: number;
  readonly resumeMs: number;
  /** Aborted when the log is closed. */
  readonly closed: AbortSignal;
};

/** Events per delivery. */
const PIECE_EVENTS = 512;

/** The reading half of the log. Resumes a dropped read or subscription at its position. */
export class Reads {
  readonly #options: ReadsOptions;

  constructor(options: ReadsOptions) {
    this.#options = options;
  }

  async head(shard: Shard): Promise<Revision> {
    const resuming = this.#resuming();
    for (;;) {
      try {
        return await this.#head(shard);
      } catch (error) {
        await resuming.after(error);
      }
    }
  }

  async *read(shard: Shard, from: Revision, limit = Number.POSITIVE_INFINITY): AsyncGenerator<readonly StoredEvent[]> {
    assertRevision(from);
    const to = Math.min(await this.head(shard), from + limit - 1);
    const resuming = this.#resuming();
    for (let next = from; next <= to; ) {
      try {
        for await (const events of this.#pieces(shard, next, to)) {
          next += events.length;
          resuming.progressed();
          yield events;
        }
        if (next <= to) throw dropped(`the server ended a read of shard ${shard} at revision ${next}`);
      } catch (error) {
        await resuming.after(error);
      }
    }
  }

  async *subscribe(shard: Shard, from: Revision, signal: AbortSignal): AsyncGenerator<Delivery> {
    assertRevision(from);
    const resuming = this.#resuming();
    for (let next = from; !signal.aborted; ) {
      try {
        for await (const delivery of this.#follow(shard, next, signal)) {
          resuming.progressed();
          if (delivery.kind === "events") next += delivery.events.length;
          yield delivery;
          if (signal.aborted) return;
        }
        if (!signal.aborted) throw dropped(`the server ended the subscription of shard ${shard}`);
      } catch (error) {
        if (!signal.aborted) await resuming.after(error);
      }
    }
  }

  /** Reads the last event backwards, once, without retries. */
  async #head(shard: Shard): Promise<Revision> {
    const { call, done } = await this.#open({ stream: this.#options.streamOf(shard), from: "end", count: 1 });
    try {
      for (;;) {
        const messages = await call.take(PIECE_EVENTS, this.#options.silenceMs);
        for (const message of messages) {
          const recorded = message.getEvent()?.getEvent();
          if (recorded) return Number(recorded.getStreamRevision());
          if (message.hasStreamNotFound()) return NO_REVISION;
        }
        if (messages.length === 0) throw dropped(`the server ended a read of shard ${shard} before its head`);
      }
    } finally {
      done();
    }
  }

  /** Yields the events of one call; fewer than asked for if the server ends it early. */
  async *#pieces(shard: Shard, from: Revision, to: Revision): AsyncGenerator<readonly StoredEvent[]> {
    const { call, done } = await this.#open({ stream: this.#options.streamOf(shard), from, count: to - from + 1 });
    const pieces = new Pieces(shard, from);
    try {
      for (let ended = false; !ended; ) {
        const messages = await call.take(PIECE_EVENTS, this.#options.silenceMs);
        for (const message of messages) pieces.add(message);
        ended = messages.length === 0 || pieces.next > to || pieces.fault !== undefined;
        if (pieces.size >= PIECE_EVENTS || (ended && pieces.size > 0)) yield pieces.take();
        if (pieces.fault) throw pieces.fault;
      }
    } finally {
      done();
    }
  }

  /** Follows the stream until the subscription drops: first up to the head at its start, then live. */
  async *#follow(shard: Shard, from: Revision, signal: AbortSignal): AsyncGenerator<Delivery> {
    const { silenceMs } = this.#options;
    const head = await this.head(shard);
    const start = Math.min(from, head + 1);
    const { call, done } = await this.#open(
      { stream: this.#options.streamOf(shard), from: start - 1, count: "subscribe" },
      signal,
    );
    const pieces = new Pieces(shard, start, from);
    let told = start - 2;
    try {
      for (let confirmed = false; ; confirmed = true) {
        const live = pieces.next > head;
        while (live && confirmed && !(await call.arrived(silenceMs))) await this.#assertQuiet(shard, call, pieces.next);
        const messages = await call.take(PIECE_EVENTS, silenceMs);
        if (messages.length === 0 || signal.aborted) return;
        for (const message of messages) pieces.add(message);
        // Events that arrive in the same turn of the event loop become one delivery.
        if (live) await nextTurn();
        for (const message of live ? call.takeWaiting(PIECE_EVENTS) : []) pieces.add(message);
        const caughtUp = pieces.next > head;
        if (pieces.size >= PIECE_EVENTS || (pieces.size > 0 && (caughtUp || pieces.fault)))
          yield { kind: "events", events: pieces.take() };
        if (pieces.fault) throw pieces.fault;
        if (!caughtUp || told === pieces.next - 1) continue;
        told = pieces.next - 1;
        yield { kind: "caught_up", head: told };
      }
    } finally {
      done();
    }
  }

  /**
   * Checks that a silent live subscription has missed nothing. @throws if the log has events that it did not deliver
   */
  async #assertQuiet(shard: Shard, call: ReadCall, next: Revision): Promise<void> {
    const head = await this.#head(shard);
    if (head >= next && !(await call.arrived(this.#options.silenceMs)))
      throw dropped(`the subscription of shard ${shard} is silent at ${next - 1}, though the log is at ${head}`);
  }

  async #open(reading: EsdbRead, signal?: AbortSignal): Promise<{ call: ReadCall; done: () => void }> {
    const { connection, closed } = this.#options;
    const connected = await connection.ready();
    const call = new ReadCall(connected, reading, (error) => {
      if (error instanceof LedgerError) return error;
      connection.failed(connected, error);
      return unavailable(connected.node, error, `reading ${reading.stream}`);
    });
    const onClosed = () => call.cancel(closedError());
    const onAbort = () => call.cancel();
    if (closed.aborted) onClosed();
    if (signal?.aborted) onAbort();
    closed.addEventListener("abort", onClosed);
    signal?.addEventListener("abort", onAbort);
    const done = () => {
      closed.removeEventListener("abort", onClosed);
      signal?.removeEventListener("abort", onAbort);
      call.cancel();
    };
    return { call, done };
  }

  #resuming(): Resuming {
    return new Resuming(this.#options.resumeMs, this.#options.closed);
  }
}

function assertRevision(from: Revision): void {
  assert(Number.isSafeInteger(from) && from >= 0, `a read starts at a revision, not at ${from}`);
}
