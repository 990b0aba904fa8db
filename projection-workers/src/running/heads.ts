import { NO_REVISION, type Revision, type Shard } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";

/** The last known heads of a log that another process writes. */
export type WatchedHeads = { head(shard: Shard): Revision; stop(): void };

const EVERY_MS = 1000;

/** Reads the heads again and again, one reading at a time; keeps the last ones while the log is unavailable. */
export function watchHeads(log: EventSource, shards: readonly Shard[]): WatchedHeads {
  const heads = new Map<Shard, Revision>();
  let looking = false;
  const look = async () => {
    if (looking) return;
    looking = true;
    try {
      for (const shard of shards) heads.set(shard, await log.head(shard));
    } catch {
      // The next reading tries again; whoever reads the log says why it cannot.
    } finally {
      looking = false;
    }
  };
  const timer = setInterval(() => void look(), EVERY_MS);
  return { head: (shard) => heads.get(shard) ?? NO_REVISION, stop: () => clearInterval(timer) };
}
