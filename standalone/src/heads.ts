import type { Revision, Shard } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";

/** A log that caches its heads, so that readiness needs no read. This process is its only writer. */
type WatchedLog<Log extends EventLog> = { readonly log: Log; head(shard: Shard): Revision };

export async function watchHeads<Log extends EventLog>(log: Log, shards: number): Promise<WatchedLog<Log>> {
  const heads = await Promise.all(Array.from({ length: shards }, (_, shard) => log.head(shard)));
  return {
    head: (shard) => heads[shard] ?? -1,
    log: {
      ...log,
      async append(shard, expectedRevision, events) {
        const last = await log.append(shard, expectedRevision, events);
        heads[shard] = Math.max(heads[shard] ?? -1, last);
        return last;
      },
    },
  };
}
