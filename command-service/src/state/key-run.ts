import type { Revision } from "ledger-core";
import { ENTRY_WORDS, type KeyPages } from "./key-pages.ts";

/** Keys on disk in the order of `high`, never changed. In memory: two numbers a page. */
export type KeyRun = {
  readonly keys: number;
  /** Where each page is. */
  readonly pages: Uint32Array;
  /** The `high` each page begins with. */
  readonly firsts: Uint32Array;
};

/** Appends the revisions under a hash to `found`: reads one page, more only where one `high` goes over the end of it. */
export function findInRun(pages: KeyPages, run: KeyRun, high: number, low: number, found: Revision[]): void {
  // The page before the first that begins with `high` or later: it may end with `high`.
  for (let i = Math.max(0, lowerBound(run.firsts, 1, run.firsts.length, high) - 1); i < run.pages.length; i++) {
    if ((run.firsts[i] ?? 0) > high) return;
    const words = pages.read(run.pages[i] ?? 0);
    const keys = words.length / ENTRY_WORDS;
    for (let entry = lowerBound(words, ENTRY_WORDS, keys, high); entry < keys; entry++) {
      const at = entry * ENTRY_WORDS;
      if (words[at] !== high) return;
      if (words[at + 1] === low) found.push((words[at + 2] ?? 0) + (words[at + 3] ?? 0) * 2 ** 32);
    }
  }
}

/** The first of `count` items, `stride` words apart, that is not below a value; `count` when all are. */
function lowerBound(words: Uint32Array, stride: number, count: number, value: number): number {
  let from = 0;
  let to = count;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((words[middle * stride] ?? 0) < value) from = middle + 1;
    else to = middle;
  }
  return from;
}
