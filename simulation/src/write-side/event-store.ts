import { LedgerError, type Revision } from "ledger-core";
import type { NewEvent, StoredEvent } from "ledger-core/event-log";
import { makeListeners } from "../listeners.ts";
import { makeOwner, type Owner } from "../scheduler.ts";
import { type Append, Replicas, type ReplicasOptions } from "./replicas.ts";

export type EventStore = {
  /** The durable events, which are all that a reader sees. */
  readonly events: readonly StoredEvent[];
  head(): Revision;
  up(): boolean;
  receive(append: Append): void;
  /** The store's process dies, possibly during a write, and restarts after a while. */
  crash(): void;
  fill(full: boolean): void;
  onArrival(listener: () => void): () => void;
};

export type EventStoreOptions = ReplicasOptions & {
  /** Whether a restart cuts off a partly written batch. True without a planted bug. */
  readonly cutsTornBatches?: boolean;
  /** The id that identifies a repeated append. The event's id without a planted bug. */
  readonly storeId?: (event: NewEvent, revision: Revision) => string;
  /** Called when the store is back. */
  readonly onRestart: (head: Revision) => void;
};

/**
 * A server of one shard that follows EventStoreDB's rules. It writes appends one at a time; a write takes time and may
 * be cut short, and is durable once a replica has it, usually at once. A batch whose ids are already at that place
 * counts as written, whatever its payloads.
 */
export function makeEventStore(options: EventStoreOptions): EventStore {
  const { scheduler, random, faults, note } = options;
  const waiting: Append[] = [];
  const arrivals = makeListeners();
  let process: Owner = makeOwner("log");
  let writing: Append | undefined;
  let full = false;
  const replicas = new Replicas(options, (count, append) => {
    note(`wrote ${replicas.durable.length - count}..${replicas.durable.length - 1} of ${append.from}`);
    arrivals.call();
  });
  const { written, durable: events } = replicas;
  const judged = (append: Append) => judge(written, append, full, options);

  function receive(append: Append): void {
    if (!process.alive) append.done(new LedgerError("log_unavailable", "connection refused", { retryable: true }));
    else waiting.push(append);
    if (!writing) next();
  }

  function next(): void {
    writing = waiting.shift();
    if (!writing) return;
    const append = writing;
    const answer = judged(append);
    const writingUs = random.between(50, 400);
    if (faults.strikes("log_crash", 0.005 * append.events.length))
      scheduler.after(Math.floor(writingUs / 2), process, crash);
    scheduler.after(writingUs, process, () => {
      writing = undefined;
      if (answer instanceof LedgerError) append.done(answer);
      else if (answer !== undefined) replicas.repeated(answer, append);
      else replicas.write(append, append.events.length, process);
      next();
    });
  }

  function crash(): void {
    if (!process.alive) return;
    note("crashes");
    scheduler.kill(process);
    const torn = writing;
    writing = undefined;
    waiting.length = 0;
    replicas.crash();
    scheduler.after(random.between(2_000, random.chance(0.1) ? 400_000 : 30_000), null, () => {
      process = makeOwner("log");
      replicas.replicate();
      const kept = torn && judged(torn) === undefined ? survivors(torn, options) : 0;
      if (torn && kept > 0) replicas.write(torn, kept, undefined);
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

/** The store's answer without a write; undefined if the batch must be written. */
function judge(
  stored: readonly StoredEvent[],
  { expected, events }: Append,
  full: boolean,
  { storeId = ({ id }) => id }: EventStoreOptions,
): Revision | LedgerError | undefined {
  const head = stored.length - 1;
  if (expected === head) {
    return full ? new LedgerError("log_unavailable", "no space left on device", { retryable: true }) : undefined;
  }
  const known = events.every((event, index) => {
    const there = stored[expected + 1 + index];
    return there && storeId(there, there.revision) === storeId(event, expected + 1 + index);
  });
  return known
    ? expected + events.length
    : new LedgerError("wrong_expected_revision", `expected ${expected}, is at ${head}`);
}

/** How many events of a batch survive a crash during its write. The next start cuts off a partly written batch. */
function survivors({ events }: Append, { random, faults, cutsTornBatches }: EventStoreOptions): number {
  const written = faults.strikes("torn_write", 0.6)
    ? Math.min(1, events.length - 1) + random.below(events.length - 1)
    : random.pick([0, events.length]);
  return written === events.length || cutsTornBatches === false ? written : 0;
}
