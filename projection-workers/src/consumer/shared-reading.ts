import type { Revision, Runtime, Shard } from "ledger-core";
import type { Delivery, EventSource } from "ledger-core/event-log";
import { systemRuntime } from "ledger-core/process";
import { makeBell } from "./gathering.ts";

/**
 * The log as the projections of a process follow it: their subscriptions of a shard share one reading, in lockstep, so
 * that an event is read, checked and decoded once. A subscription that is behind the reading, and one that takes too
 * long, reads by itself until it has caught up. Reads (of a rebuild) are not shared.
 */
export function shareReading(log: EventSource, tuning: ReadingTuning, runtime: Runtime = systemRuntime): EventSource {
  const { paceMs = 10, patienceMs = 5000, backMax = 100_000 } = tuning;
  const groups = new Map<Shard, ReadingGroup>();

  /** The group for a subscription that goes on at `next`; undefined when it is behind it. */
  function groupFor(shard: Shard, next: Revision): ReadingGroup | undefined {
    const known = groups.get(shard);
    if (known) return known.admits(next) ? known : undefined;
    const ports = { log, runtime, onEnd: () => void groups.delete(shard) };
    const fresh = makeGroup(ports, { paceMs, patienceMs, backMax }, shard, next);
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
   * On its way to the log's end, a reading goes back by up to so many events for a projection that starts behind it.
   * 0 to 10,000,000. Default 100,000.
   */
  readonly backMax?: number;
};

/** One reading of a shard for those who joined it. */
export type ReadingGroup = {
  /** Whether one who goes on at `next` may join now. */
  admits(next: Revision): boolean;
  /**
   * Joins at `next`: deliveries begin there or earlier. Ends with the reading or the signal; `left behind` means that
   * the reading goes on without this one.
   * @throws the log's errors, as everyone who joined
   */
  join(next: Revision, signal: AbortSignal): AsyncIterable<Delivery | "left behind">;
};

type Member = { asks: PromiseWithResolvers<Delivery | "over"> | undefined; left: boolean };

export type GroupPorts = { readonly log: EventSource; readonly runtime: Runtime; readonly onEnd: () => void };

/** Begins to read when the first one has joined, and ends when the last one has left. */
function makeGroup(
  { log, runtime, onEnd }: GroupPorts,
  { paceMs, patienceMs, backMax }: Required<ReadingTuning>,
  shard: Shard,
  from: Revision,
): ReadingGroup {
  const members = new Set<Member>();
  const bell = makeBell();
  let begun = false;
  let round = new AbortController();
  let next = from;
  let live = false;
  /** The log's end, as long as nothing was read after it. */
  let end: Delivery | undefined;
  let over: { readonly failure: unknown } | undefined;

  async function read(): Promise<void> {
    try {
      do {
        round = new AbortController();
        const { signal } = round;
        for await (const delivery of log.subscribe(shard, next, signal)) {
          await everyone();
          if (signal.aborted) break;
          publish(delivery);
          if (delivery.kind === "caught_up") await runtime.delay(paceMs);
        }
      } while (round.signal.aborted && members.size > 0);
      over = { failure: undefined };
    } catch (failure) {
      over = { failure };
    }
    onEnd();
    for (const { asks } of members) asks?.resolve("over");
  }

  /** Resolves when every member asks for the next delivery; those who do not in time are left behind. */
  async function everyone(): Promise<void> {
    const late = () => [...members].filter(({ asks }) => !asks);
    if (late().length === 0) return;
    let waits = true;
    const stop = runtime.every(patienceMs, () => {
      waits = false;
      bell.ring();
    });
    while (waits && late().length > 0) await bell.heard();
    stop();
    for (const member of late()) {
      member.left = true;
      leave(member);
    }
  }

  function publish(delivery: Delivery): void {
    next = after(next, delivery);
    end = delivery.kind === "caught_up" ? delivery : undefined;
    live ||= end !== undefined;
    for (const member of members) {
      member.asks?.resolve(delivery);
      member.asks = undefined;
    }
  }

  function leave(member: Member): void {
    members.delete(member);
    bell.ring();
    if (members.size === 0) round.abort();
  }

  return {
    admits: (at) => at >= next || (!live && next - at <= backMax),
    async *join(at, signal) {
      const member: Member = { asks: undefined, left: false };
      members.add(member);
      if (at < next) {
        next = at;
        round.abort();
      }
      if (!begun) void read();
      begun = true;
      const abort = () => member.asks?.resolve("over");
      signal.addEventListener("abort", abort);
      try {
        if (end) yield end;
        while (!signal.aborted && !member.left && !over) {
          member.asks = Promise.withResolvers();
          bell.ring();
          const delivery = await member.asks.promise;
          if (delivery !== "over") yield delivery;
        }
        if (over?.failure !== undefined) throw over.failure;
        if (member.left) yield "left behind";
      } finally {
        signal.removeEventListener("abort", abort);
        leave(member);
      }
    },
  };
}

/** Where a reader goes on: a delivery may repeat earlier events. */
function after(next: Revision, delivery: Delivery): Revision {
  const last = delivery.kind === "events" ? delivery.events.at(-1) : undefined;
  return last ? Math.max(next, last.revision + 1) : next;
}
