import { LedgerError, type Revision } from "ledger-core";
import type { Delivery, EventLog, NewEvent, StoredEvent } from "ledger-core/event-log";
import type { Faults } from "../faults.ts";
import type { Random } from "../random.ts";
import type { Owner, Scheduler } from "../scheduler.ts";
import type { EventStore } from "./event-store.ts";

type ConnectionOptions = {
  readonly store: EventStore;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  readonly owner: Owner;
  readonly note: (what: string) => void;
};

const TIMEOUT_US = 15_000;
const READ_EVENTS_MAX = 64;

/**
 * The event log over a simulated network, as one process sees it. The network loses, delays and repeats only as the
 * port allows.
 */
export function connectStore(options: ConnectionOptions): EventLog {
  const { store, scheduler, random, owner, faults } = options;

  /** The store's answer after a round trip; refused while the store is down. Resolves in a task of the owner. */
  function ask<T>(answer: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const tookUs = faults.strikes("slow_read", 0.05) ? random.between(1_000, 30_000) : random.between(40, 300);
      const answered = answer();
      scheduler.after(tookUs, owner, () => {
        if (store.up()) resolve(answered);
        else reject(new LedgerError("log_unavailable", "connection refused", { retryable: true }));
      });
    });
  }

  async function* read(from: Revision, limit = Number.POSITIVE_INFINITY): AsyncGenerator<readonly StoredEvent[]> {
    const to = Math.min(await ask(() => store.head()), from + limit - 1);
    for (let next = from; next <= to; ) {
      const count = Math.min(random.between(1, READ_EVENTS_MAX), to - next + 1);
      const start = next;
      yield await ask(() => store.events.slice(start, start + count));
      next += count;
    }
  }

  return {
    append: (_shard, expected, events) => sendAppend(options, expected, [...events]),
    read: (_shard, from, limits) => read(from, limits?.limit),
    head: () => ask(() => store.head()),
    subscribe: (_shard, from, signal) => subscribe(options, read, from, signal),
    close: async () => {},
  };
}

/** Sends an append once. The request may be lost or late, or the reply lost; the sender then only sees a timeout. */
function sendAppend(options: ConnectionOptions, expected: Revision, events: readonly NewEvent[]): Promise<Revision> {
  const { store, scheduler, random, owner, faults, note } = options;
  return new Promise((resolve, reject) => {
    const lost = faults.strikes("lost_request", 0.02);
    const late = faults.strikes("late_request", 0.04);
    const replyLost = faults.strikes("lost_reply", 0.03);
    if (lost) note(`append at ${expected} is lost on its way`);
    if (late) note(`append at ${expected} is held up on its way`);
    const forget = scheduler.after(TIMEOUT_US, owner, () =>
      reject(new LedgerError("outcome_unknown", "no reply in time", { retryable: true })),
    );
    if (lost) return;
    scheduler.after(late ? random.between(TIMEOUT_US, 6 * TIMEOUT_US) : random.between(20, 200), null, () =>
      store.receive({
        from: owner.name,
        expected,
        events,
        done(outcome) {
          if (replyLost) return note(`reply to append at ${expected} is lost`);
          scheduler.after(random.between(20, 200), owner, () => {
            forget();
            if (outcome instanceof LedgerError) reject(outcome);
            else resolve(outcome);
          });
        },
      }),
    );
  });
}

/** First history, then live events, at the consumer's pace. */
async function* subscribe(
  { store, scheduler, random, owner }: ConnectionOptions,
  read: (from: Revision) => AsyncIterable<readonly StoredEvent[]>,
  from: Revision,
  signal: AbortSignal,
): AsyncGenerator<Delivery> {
  for (let next = from; !signal.aborted; ) {
    for await (const events of read(next)) {
      yield { kind: "events", events };
      next += events.length;
    }
    if (signal.aborted) return;
    yield { kind: "caught_up", head: next - 1 };
    if (store.head() >= next) continue;
    await new Promise<void>((resolve) => {
      const stop = () => scheduler.after(0, owner, resolve);
      const wake = store.onArrival(() => {
        wake();
        signal.removeEventListener("abort", stop);
        scheduler.after(random.between(20, 200), owner, resolve);
      });
      signal.addEventListener("abort", stop, { once: true });
    });
  }
}
