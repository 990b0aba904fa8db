import { isLedgerError, type Runtime, type Shard } from "ledger-core";
import type { Delivery, EventSource } from "ledger-core/event-log";
import type { MirrorSource } from "ledger-core/kafka";
import { type Logger, systemRuntime } from "ledger-core/process";
import { after } from "../consumer/shared-reading.ts";

export type FollowOptions = {
  readonly mirror: MirrorSource;
  readonly log: EventSource;
  readonly logger: Logger;
  readonly runtime?: Runtime;
  /** Minimum time a shard is read from the log before the mirror is tried again, in ms. Default 5000. */
  readonly logMs?: number;
};

export type FollowedMirror = EventSource &
  Pick<MirrorSource, "commit"> & {
    /** Where a shard's events are currently read. */
    using(shard: Shard): "mirror" | "log";
  };

/**
 * Reads the mirror for live projections, and the log for rebuilds. If the topic no longer holds a shard's next event,
 * reads that shard from the log to its head and then from the mirror again. The mirror has one reader per shard: a
 * further subscription, of a projection that is behind the others, reads the log meanwhile.
 */
export function followMirror(options: FollowOptions): FollowedMirror {
  const { mirror, log, logger, runtime = systemRuntime, logMs = 5000 } = options;
  const onMirror = new Set<Shard>();
  const onLog = new Set<Shard>();

  async function* subscribe(shard: Shard, from: number, signal: AbortSignal): AsyncGenerator<Delivery> {
    let next = from;
    while (!signal.aborted) {
      if (!onMirror.has(shard)) {
        onMirror.add(shard);
        try {
          for await (const delivery of mirror.subscribe(shard, next, signal)) {
            next = after(next, delivery);
            yield delivery;
          }
          return;
        } catch (error) {
          if (!isLedgerError(error, "behind_retention")) throw error;
          logger.warn({ shard, revision: next, err: error }, "projections read the log: the mirror has less");
        } finally {
          onMirror.delete(shard);
        }
      }
      onLog.add(shard);
      let caughtUp = false;
      const untilMs = runtime.elapsedMs() + logMs;
      try {
        for await (const delivery of log.subscribe(shard, next, signal)) {
          next = after(next, delivery);
          yield delivery;
          caughtUp ||= delivery.kind === "caught_up";
          if (caughtUp && !onMirror.has(shard) && runtime.elapsedMs() >= untilMs) break;
        }
      } finally {
        onLog.delete(shard);
      }
      logger.info({ shard, revision: next }, "projections read the mirror again");
    }
  }

  return {
    subscribe,
    commit: (shard, applied) => mirror.commit(shard, applied),
    using: (shard) => (onLog.has(shard) && !onMirror.has(shard) ? "log" : "mirror"),
    read: (shard, from, limits) => log.read(shard, from, limits),
    head: (shard) => log.head(shard),
    async close() {
      await mirror.close();
      await log.close();
    },
  };
}
