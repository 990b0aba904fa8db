import { HASHES_END, type Run } from "./key-run.ts";

export type MergeRules = {
  /** So many runs of a kind become one. Default 3; 2 to 64. */
  readonly mergeWidth: number;
  /**
   * All others are merged with the largest run when it has no more than so many times their keys. Default 6; 1 to 64.
   */
  readonly lastRatio: number;
};

/** The runs that are to be one: the least there is to do first, since that frees most runs for its cost. */
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

/** The merge under way that has the least keys, and so is done first. */
export function leastUnderWay(runs: readonly Run[]): Run | undefined {
  const under = runs.filter(({ to }) => to < HASHES_END);
  return under.reduce<Run | undefined>((least, run) => (least && least.keys <= run.keys ? least : run), undefined);
}
