import { once } from "node:events";
import { NO_REVISION, type Revision } from "ledger-core";
import type { EventLog, StoredEvent } from "ledger-core/event-log";

/** The script of one subscription: its deliveries, and then an error or an endless wait. */
export type Script = { readonly deliveries: readonly (readonly StoredEvent[])[]; readonly error?: unknown };

/**
 * A log that delivers what its scripts say, right or wrong: the nth subscription of a shard gets the nth script, later
 * ones the last. Simulates a broker that repeats and reorders; nothing can be appended.
 */
export function scriptedLog(scripts: (from: Revision, attempt: number) => Script): EventLog {
  let attempts = 0;
  return {
    append: async () => Promise.reject(new Error("a scripted log takes no events")),
    head: async () => NO_REVISION,
    close: async () => {},
    read: async function* () {},
    subscribe: async function* (_shard, from, signal) {
      const { deliveries, error } = scripts(from, attempts++);
      for (const events of deliveries) {
        if (signal.aborted) return;
        yield { kind: "events", events };
      }
      if (error !== undefined) throw error;
      yield { kind: "caught_up", head: deliveries.at(-1)?.at(-1)?.revision ?? NO_REVISION };
      if (!signal.aborted) await once(signal, "abort");
    },
  };
}
