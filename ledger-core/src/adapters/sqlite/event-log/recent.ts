import type { Revision, Shard } from "../../../domain/position.ts";
import { type Batch, cutBatch, joinBatches, lastOf } from "../../frames.ts";
import { STEP_BYTES, STEP_EVENTS } from "./batches.ts";

/**
 * The last appends of each shard in memory, for those who follow the log: they need neither read the file nor hash the
 * events again, since their leaves were made of these very bytes.
 */
export type RecentBatches = {
  /** Keeps a batch that is in the file. Its bytes must not change afterwards. */
  add(batch: Batch): void;
  /** A copy of a step's worth of batches from `from` on, up to `to`; undefined if they are not here any more. */
  load(shard: Shard, from: Revision, to: Revision): Batch | undefined;
};

type Kept = { batches: Batch[]; bytes: number };

/** @param bytesMax of frames, per shard */
export function keepRecent(bytesMax: number): RecentBatches {
  const shards = new Map<Shard, Kept>();
  return {
    add(batch) {
      const last = shards.get(batch.shard)?.batches.at(-1);
      // After a fault the file may end elsewhere than this thread last knew.
      if (last && lastOf(last) + 1 !== batch.first) shards.delete(batch.shard);
      const kept = shards.get(batch.shard) ?? { batches: [], bytes: 0 };
      shards.set(batch.shard, kept);
      kept.batches.push({ ...batch, checked: true });
      kept.bytes += batch.frames.length;
      if (kept.bytes > bytesMax) dropOldest(kept, 0.75 * bytesMax);
    },
    load(shard, from, to) {
      const { batches = [] } = shards.get(shard) ?? {};
      const at = indexOf(batches, from);
      const first = batches[at];
      if (!first || from > lastOf(first)) return undefined;
      const step: Batch[] = [];
      let bytes = 0;
      for (let next = at; next < batches.length && bytes < STEP_BYTES; next++) {
        const batch = batches[next];
        if (!batch || batch.first > to || batch.first - from >= STEP_EVENTS) break;
        step.push(cutBatch(batch, from, to));
        bytes += batch.frames.length;
      }
      return joinBatches(step);
    },
  };
}

/** Many at once, since each time moves all that remain. */
function dropOldest(kept: Kept, bytes: number): void {
  let count = 0;
  for (; kept.bytes > bytes; count++) kept.bytes -= kept.batches[count]?.frames.length ?? 0;
  kept.batches.splice(0, count);
}

/** The index of the last batch that begins at or before a revision; -1 if none does. */
function indexOf(batches: readonly Batch[], revision: Revision): number {
  let [low, high] = [0, batches.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((batches[middle]?.first ?? 0) <= revision) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
