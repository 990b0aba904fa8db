import type { Revision } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";

/** A log whose reads stop at a revision until the gate is opened. */
export function gatedLog(log: EventSource, at: Revision) {
  const arrival = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  return {
    log: {
      ...log,
      async *read(...[shard, from, options]: Parameters<EventSource["read"]>) {
        const limit = options?.limit ?? Number.MAX_SAFE_INTEGER;
        const before = Math.min(limit, Math.max(0, at - from));
        if (before > 0) yield* log.read(shard, from, { limit: before });
        if (before === limit) return;
        arrival.resolve();
        await gate.promise;
        yield* log.read(shard, from + before, { limit: limit - before });
      },
    } satisfies EventSource,
    /** Resolves when a read has come to the gate. */
    arrived: arrival.promise,
    open: gate.resolve,
  };
}
