import { HASHES_END, type Run } from "./key-run.ts";

export type MergeRules = {
  /** Runs of similar size that are merged into one. Default 3; 2 to 64. */
  readonly mergeWidth: number;
  /**
   * Merges all others with the largest run if it has at most this many times their keys. Default 6; 1 to 64.
   */
  readonly lastRatio: number;
};

/** The runs to merge next: the smallest first, since that frees the most runs for its cost. */
export function runsToMerge(runs: readonly Run[], { mergeWidth, lastRatio }: MergeRules): readonly Run[] | undefined {
  const free = runs.filter(({ into, to }) => into === null && to === HASHES_END).sort((a, b) => a.keys - b.keys);
  const largest = runs.reduce((most, { keys }) => Math.max(most, keys), 0);
  for (let from = 0; from < free.length; from++) {
    let sum = free[from]?.keys ?? 0;
    let end = from + 1;
    for (let next = free[end]; next && next.keys <= sum * ratioOf(next, end); next = free[end]) {
      sum += next.keys;
      end++;
    }
    const reached = end === free.length && free[end - 1]?.keys === largest;
    if (end - from >= mergeWidth || (reached && end - from > 1)) return free.slice(from, end);
  }
  return undefined;

  function ratioOf(next: Run, at: number): number {
    return at === free.length - 1 && next.keys === largest ? lastRatio : 1;
  }
}

/** The merge under way with the fewest keys, which goes first. */
export function leastUnderWay(runs: readonly Run[]): Run | undefined {
  const under = runs.filter(({ to }) => to < HASHES_END);
  return under.reduce<Run | undefined>((least, run) => (least && least.keys <= run.keys ? least : run), undefined);
}
