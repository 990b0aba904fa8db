import type { StoredEvent } from "ledger-core/event-log";
import type { MirrorTarget } from "ledger-core/kafka";

/**
 * A mirror's target that is watched.
 * @param begin called before each batch; the function that it returns is called once the broker has acknowledged it
 */
export function watchTarget(target: MirrorTarget, begin: () => (events: readonly StoredEvent[]) => void): MirrorTarget {
  return {
    check: (shards) => target.check(shards),
    close: () => target.close(),
    async open(shard) {
      const writer = await target.open(shard);
      return {
        ...{ end: writer.end, bytesMax: writer.bytesMax, eventsMax: writer.eventsMax },
        close: () => writer.close(),
        async append(events) {
          const acknowledged = begin();
          await writer.append(events);
          acknowledged(events);
        },
      };
    },
  };
}
