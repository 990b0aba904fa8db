import { LedgerError, type Revision } from "ledger-core";
import { bytesOf, type NewEvent, type StoredEvent } from "ledger-core/event-log";
import type { Faults } from "../faults.ts";
import { makeListeners } from "../listeners.ts";
import type { Random } from "../random.ts";
import { makeOwner, type Owner, type Scheduler } from "../scheduler.ts";

/**
 * One append on its way: `done` is told what became of it, once; a crash of the store may keep it from being told at
 * all.
 */
type Append = {
  readonly from: string;
  readonly expected: Revision;
  readonly events: readonly NewEvent[];
  done(outcome: Revision | LedgerError): void;
};

export type EventStore = {
  /** The durable events, all that a reader sees. */
  readonly events: readonly StoredEvent[];
  head(): Revision;
  up(): boolean;
  receive(append: Append): void;
  /** The store's process dies, in the middle of what it writes; it starts again by itself after a while. */
  crash(): void;
  fill(full: boolean): void;
  onArrival(listener: () => void): () => void;
};

export type EventStoreOptions = {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  /** Called when a batch has become durable, before anybody else can see it. */
  readonly onAppended: (batch: readonly StoredEvent[], append: Append) => void;
  readonly note: (what: string) => void;
  /** Whether a start cuts off a batch that was written in part. Always, but for a planted bug. */
  readonly cutsTornBatches?: boolean;
  /** Whether a crash leaves what was answered. Always, but for a planted bug. */
  readonly syncsBeforeAnswering?: boolean;
  /** Called when it is back. */
  readonly onRestart: (head: Revision) => void;
};

const noLeaf = new Uint8Array(32);

/**
 * A server that keeps one shard: appends come one by one, each is written (which takes time, and may be cut short) and
 * then durable. As EventStoreDB does, it takes a batch whose ids it has already, at that place, for the one that it
 * has.
 */
export function makeEventStore(options: EventStoreOptions): EventStore {
  const { scheduler, random, faults, note } = options;
  const events: StoredEvent[] = [];
  const waiting: Append[] = [];
  const arrivals = makeListeners();
  let process: Owner = makeOwner("log");
  let writing: Append | undefined;
  let full = false;

  function receive(append: Append): void {
    if (!process.alive) append.done(new LedgerError("log_unavailable", "connection refused", { retryable: true }));
    else waiting.push(append);
    if (!writing) next();
  }

  function next(): void {
    writing = waiting.shift();
    if (!writing) return;
    const append = writing;
    const refusal = judge(events, append, full);
    const writingUs = random.between(50, 400);
    if (faults.strikes("log_crash", 0.005 * append.events.length))
      scheduler.after(Math.floor(writingUs / 2), process, crash);
    scheduler.after(writingUs, process, () => {
      writing = undefined;
      if (refusal === undefined) commit(append);
      append.done(refusal ?? events.length - 1);
      next();
    });
  }

  function commit(append: Append, count = append.events.length): void {
    const first = events.length;
    const batch = storedFrom(first, append.events.slice(0, count));
    events.push(...batch);
    note(`wrote ${first}..${events.length - 1} of ${append.from}`);
    options.onAppended(batch, append);
    arrivals.call();
  }

  function crash(): void {
    if (!process.alive) return;
    note("crashes");
    scheduler.kill(process);
    const torn = writing;
    writing = undefined;
    if (options.syncsBeforeAnswering === false) events.pop();
    waiting.length = 0;
    scheduler.after(random.between(2_000, random.chance(0.1) ? 400_000 : 30_000), null, () => {
      process = makeOwner("log");
      const kept = torn && judge(events, torn, full) === undefined ? survivors(torn, options) : 0;
      if (torn && kept > 0) commit(torn, kept);
      note(`is back at ${events.length - 1}`);
      options.onRestart(events.length - 1);
    });
  }

  return {
    events,
    head: () => events.length - 1,
    up: () => process.alive,
    receive,
    crash,
    fill(nowFull) {
      full = nowFull;
      note(full ? "disk is full" : "disk has room");
    },
    onArrival: arrivals.add,
  };
}

function storedFrom(first: Revision, events: readonly NewEvent[]): StoredEvent[] {
  return events.map((event, nth) => ({
    ...event,
    data: bytesOf(event),
    shard: 0,
    revision: first + nth,
    leaf: noLeaf,
  }));
}

/** The store's answer without writing; undefined when the batch is to be written. */
function judge(
  stored: readonly StoredEvent[],
  { expected, events }: Append,
  full: boolean,
): Revision | LedgerError | undefined {
  const head = stored.length - 1;
  if (expected === head) {
    return full ? new LedgerError("log_unavailable", "no space left on device", { retryable: true }) : undefined;
  }
  const known = events.every((event, index) => stored[expected + 1 + index]?.id === event.id);
  return known
    ? expected + events.length
    : new LedgerError("wrong_expected_revision", `expected ${expected}, stands at ${head}`);
}

/** How many events of a batch are left when the store died while it wrote them. A part is cut off at its next start. */
function survivors({ events }: Append, { random, faults, cutsTornBatches }: EventStoreOptions): number {
  const written = faults.strikes("torn_write", 0.6)
    ? Math.min(1, events.length - 1) + random.below(events.length - 1)
    : random.pick([0, events.length]);
  return written === events.length || cutsTornBatches === false ? written : 0;
}
