import type { ProjectionTarget, Revision, Runtime } from "ledger-core";
import { pause } from "projection-workers";

type Pace = {
  /** The least time between the starts of two batches at the log's end, in ms. */
  readonly everyMs: number;
  /** Whether more than a batch is left after this revision: history is not held back. */
  readonly isBehind: (revision: Revision) => Promise<boolean>;
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
  { everyMs, isBehind, runtime, signal }: Pace,
): ProjectionTarget<Change> {
  return {
    checkpoint: (shard) => target.checkpoint(shard),
    async apply(shard, after, upTo, changes) {
      const startMs = runtime.elapsedMs();
      await target.apply(shard, after, upTo, changes);
      const leftMs = everyMs - (runtime.elapsedMs() - startMs);
      if (leftMs > 0 && !(await isBehind(upTo))) await pause(runtime, leftMs, signal);
    },
  };
}
