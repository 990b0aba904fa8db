import type { Add } from "./actions.ts";
import { CHECKSUM } from "./actions.ts";

export type CompactionTuning = {
  /** The size that merged files should have, in bytes. 1 KiB to 1 GiB. Default 64 MiB. */
  readonly targetBytes: number;
  /** The fewest files that are worth merging. 2 to 10,000. Default 8. */
  readonly filesMin: number;
  /**
   * Row groups with at least as many rows are copied byte for byte; the rows of smaller ones are written anew, into
   * row groups of `groupRows`. 1 to 1,000,000. Default 5000.
   */
  readonly copyRowsMin?: number;
  /** 1 to 1,000,000; bounds memory. Default 20,000. */
  readonly groupRows?: number;
};

/** Files up to this part of the target are merged whatever the sizes of their neighbours. */
const SMALL_SHARE = 64;

/**
 * Groups of neighbouring files of one day and shard that are to become one file each. A file joins the newer ones only
 * if together they are as large as itself, so that a row is written again a few times in all, not at every merging.
 * Files that others have rewritten are theirs.
 */
export function mergeable(adds: Iterable<Add>, { targetBytes, filesMin }: CompactionTuning): readonly Add[][] {
  const runs = Map.groupBy(Array.from(adds).flatMap(placed), ({ run }) => run);
  const groups: Add[][] = [];
  for (const run of runs.values()) {
    let group: Add[] = [];
    let bytes = 0;
    const close = () => {
      if (group.length >= filesMin) groups.push(group.reverse());
      group = [];
      bytes = 0;
    };
    for (const { add } of run.sort((a, b) => b.min - a.min)) {
      if (bytes + add.size > targetBytes || add.size > Math.max(bytes, targetBytes / SMALL_SHARE)) close();
      if (add.size < targetBytes) {
        group.push(add);
        bytes += add.size;
      }
    }
    close();
  }
  return groups;
}

type Placed = { readonly add: Add; readonly run: string; readonly min: number };

/** Where a file's rows are from; none unless the file is ours and of one shard. */
function placed(add: Add): readonly Placed[] {
  const bounds = boundsOf(add);
  if (bounds === undefined || add.tags?.[CHECKSUM] === undefined) return [];
  const { shard, revision } = bounds;
  if (shard.min !== shard.max) return [];
  return [{ add, run: `${JSON.stringify(add.partitionValues)} ${shard.min}`, min: revision.min }];
}

type Range = { readonly min: number; readonly max: number };

/** The shards and revisions in a file; undefined where its entry does not say. */
export function boundsOf({ stats }: Add): { readonly shard: Range; readonly revision: Range } | undefined {
  try {
    const { minValues: least, maxValues: most }: Readonly<Record<string, Partial<Record<string, unknown>>>> =
      JSON.parse(stats ?? "");
    const range = (name: string) => ({ min: Number(least?.[name]), max: Number(most?.[name]) });
    const [shard, revision] = [range("shard"), range("revision")];
    const known = [shard, revision].every(({ min, max }) => Number.isSafeInteger(min) && Number.isSafeInteger(max));
    return known ? { shard, revision } : undefined;
  } catch {
    return undefined;
  }
}
