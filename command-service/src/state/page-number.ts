import type { Revision } from "ledger-core";

/**
 * The page that holds a revision, by the first revision of each page in order; −1 if it is before all of them. Searches
 * around the likely page: one step if accounts are opened at a steady rate.
 */
export function pageNumberOf(firsts: readonly Revision[], revision: Revision): number {
  const last = firsts.length - 1;
  if (revision < (firsts[0] ?? Number.POSITIVE_INFINITY)) return -1;
  let low = likelyPage(firsts, revision);
  let high = low;
  for (let step = 1; (firsts[low] ?? 0) > revision; step *= 2) low = Math.max(0, low - step);
  for (let step = 1; high < last && (firsts[high + 1] ?? 0) <= revision; step *= 2) high = Math.min(last, high + step);
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((firsts[middle] ?? 0) <= revision) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The page that holds a revision if accounts were opened at a steady rate. */
export function likelyPage(firsts: readonly Revision[], revision: Revision): number {
  const last = firsts.length - 1;
  const first = firsts[0] ?? 0;
  const share = (revision - first) / Math.max(1, (firsts[last] ?? 0) - first);
  return Math.min(last, Math.max(0, Math.floor(share * last)));
}
