import type { Revision, Runtime, Shard } from "ledger-core";
import type { Delivery, EventSource } from "ledger-core/event-log";
import { systemRuntime } from "ledger-core/process";
import { makeBell } from "./gathering.ts";

/**
 * The log as followed by the projections of a process: their subscriptions of a shard share one reading, in lockstep,
 * so that an event is read, checked and decoded once. A subscription that is behind the reading, or too slow, reads on
 * its own until it has caught up. Reads (of a rebuild) are not shared.
 */
export function shareReading(log: EventSource, tuning: ReadingTuning, runtime: Runtime = systemRuntime): EventSource {
  const { paceMs = 10, patienceMs = 5000, backMax = 100_000 } = tuning;
  const groups = new Map<Shard, ReadingGroup>();

  /** The group for a subscription that continues at `next`; undefined if it is behind. */
  function groupFor(shard: Shard, next: Revision): ReadingGroup | undefined {
    const known = groups.get(shard);
    if (known) return known.admits(next) ? known : undefined;
    const ports = { log, runtime, onEnd: () => void groups.delete(shard) };
    const fresh = new ReadingGroup(ports, { paceMs, patienceMs, backMax }, shard, next);
    groups.set(shard, fresh);
    return fresh;
  }

  async function* subscribe(shard: Shard, from: Revision, signal: AbortSignal): AsyncGenerator<Delivery> {
    let next = from;
    while (!signal.aborted) {
      const group = groupFor(shard, next);
      let moves = false;
      for await (const delivery of group?.join(next, signal) ?? log.subscribe(shard, next, signal)) {
        if (delivery === "left behind") {
          moves = true;
          break;
        }
        next = after(next, delivery);
        yield delivery;
        moves = !group && (groups.get(shard)?.admits(next) ?? true);
        if (moves) break;
      }
      if (!moves) return;
    }
  }

  return {
    subscribe,
    read: (shard, from, options) => log.read(shard, from, options),
    head: (shard) => log.head(shard),
    close: () => log.close(),
  };
}

/** How projections share a reading of the log; each field states its default. */
export type ReadingTuning = {
  /** At the log's end, the pause before the next piece is read, with all that arrived, in ms. 0 to 1000. Default 10. */
  readonly paceMs?: number;
  /** How long a reading waits for a projection before it goes on without it, in ms. 1 to 60,000. Default 5000. */
  readonly patienceMs?: number;
  /**
   * Before it reaches the log's end, a reading moves back by at most this many events for a projection that starts
   * behind it. 0 to 10,000,000. Default 100,000.
   */
  readonly backMax?: number;
};

/** A subscriber of a shared reading; `asks` resolves with its next delivery. */
type Member = { asks: PromiseWithResolvers<Delivery | "over"> | undefined; left: boolean };

type GroupPorts = { readonly log: EventSource; readonly runtime: Runtime; readonly onEnd: () => void };

/** One reading of a shard, from its first member until the last one leaves. */
class ReadingGroup {
  readonly #ports: GroupPorts;
  readonly #tuning: Required<ReadingTuning>;
  readonly #shard: Shard;
  readonly #members = new Set<Member>();
  /** Rung when a member asks or leaves. */
  readonly #bell = makeBell();
  #begun = false;
  #round = new AbortController();
  #next: Revision;
  #live = false;
  /** The log's end, as long as nothing was read after it. */
  #end: Delivery | undefined;
  #over: { readonly failure: unknown } | undefined;

  constructor(ports: GroupPorts, tuning: Required<ReadingTuning>, shard: Shard, from: Revision) {
    this.#ports = ports;
    this.#tuning = tuning;
    this.#shard = shard;
    this.#next = from;
  }

  /** Whether a subscriber that continues at `next` may join now. */
  admits(next: Revision): boolean {
    return next >= this.#next || (!this.#live && this.#next - next <= this.#tuning.backMax);
  }

  /**
   * Joins at `next`: deliveries start there or earlier. Ends with the reading or the signal; `left behind` means that
   * the reading continues without this member.
   * @throws the log's errors, like every member
   */
  async *join(next: Revision, signal: AbortSignal): AsyncGenerator<Delivery | "left behind", void, void> {
    const member: Member = { asks: undefined, left: false };
    this.#members.add(member);
    if (next < this.#next) {
      this.#next = next;
      this.#round.abort();
    }
    if (!this.#begun) void this.#read();
    this.#begun = true;
    const abort = () => member.asks?.resolve("over");
    signal.addEventListener("abort", abort);
    try {
      if (this.#end) yield this.#end;
      while (!signal.aborted && !member.left && !this.#over) {
        member.asks = Promise.withResolvers();
        this.#bell.ring();
        const delivery = await member.asks.promise;
        if (delivery !== "over") yield delivery;
      }
      if (this.#over?.failure !== undefined) throw this.#over.failure;
      if (member.left) yield "left behind";
    } finally {
      signal.removeEventListener("abort", abort);
      this.#leave(member);
    }
  }

  async #read(): Promise<void> {
    const { log, runtime, onEnd } = this.#ports;
    try {
      do {
        this.#round = new AbortController();
        const { signal } = this.#round;
        for await (const delivery of log.subscribe(this.#shard, this.#next, signal)) {
          await this.#everyone();
          if (signal.aborted) break;
          this.#publish(delivery);
          if (delivery.kind === "caught_up") await runtime.delay(this.#tuning.paceMs);
        }
      } while (this.#round.signal.aborted && this.#members.size > 0);
      this.#over = { failure: undefined };
    } catch (failure) {
      this.#over = { failure };
    }
    onEnd();
    for (const { asks } of this.#members) asks?.resolve("over");
  }

  /** Resolves when every member asks for the next delivery; those that do not in time are left behind. */
  async #everyone(): Promise<void> {
    const late = () => [...this.#members].filter(({ asks }) => !asks);
    if (late().length === 0) return;
    let waits = true;
    const stop = this.#ports.runtime.every(this.#tuning.patienceMs, () => {
      waits = false;
      this.#bell.ring();
    });
    while (waits && late().length > 0) await this.#bell.heard();
    stop();
    for (const member of late()) {
      member.left = true;
      this.#leave(member);
    }
  }

  #publish(delivery: Delivery): void {
    this.#next = after(this.#next, delivery);
    this.#end = delivery.kind === "caught_up" ? delivery : undefined;
    this.#live ||= this.#end !== undefined;
    for (const member of this.#members) {
      member.asks?.resolve(delivery);
      member.asks = undefined;
    }
  }

  #leave(member: Member): void {
    this.#members.delete(member);
    this.#bell.ring();
    if (this.#members.size === 0) this.#round.abort();
  }
}

/** The revision where a reader continues: a delivery may repeat earlier events. */
export function after(next: Revision, delivery: Delivery): Revision {
  const last = delivery.kind === "events" ? delivery.events.at(-1) : undefined;
  return last ? Math.max(next, last.revision + 1) : next;
}
