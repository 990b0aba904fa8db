import type { ProjectionTarget, Runtime } from "ledger-core";
import { pause } from "projection-workers";

type Pace = {
  /** The least time between the starts of two batches that are not full, in ms. */
  readonly everyMs: number;
  /** Whether a batch of so many events is full: history is not held back. */
  readonly isFull: (events: number) => boolean;
  readonly runtime: Runtime;
  /** Ends a wait. */
  readonly signal: AbortSignal;
};

/**
 * A target that takes small batches at a pace: after each it waits, while more events gather for the next one. Large
 * files are what readers of a lake need.
 */
export function paced<Change>(
  target: ProjectionTarget<Change>,
  { everyMs, isFull, runtime, signal }: Pace,
): ProjectionTarget<Change> {
  return {
    checkpoint: (shard) => target.checkpoint(shard),
    async apply(shard, after, upTo, changes) {
      const startMs = runtime.elapsedMs();
      await target.apply(shard, after, upTo, changes);
      const leftMs = everyMs - (runtime.elapsedMs() - startMs);
      if (!isFull(upTo - after) && leftMs > 0) await pause(runtime, leftMs, signal);
    },
  };
}
