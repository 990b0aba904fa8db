import type { Revision } from "ledger-core";
import type { KeyFilter } from "./key-filter.ts";
import { addEntries, ENTRY_WORDS, type KeyPages, PAGE_KEYS } from "./key-pages.ts";

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

/** Takes so many entries in the order of `high` and writes page after page of a run; filters learn each page as it is written. */
export class KeyRunWriter {
  private readonly disk: KeyPages;
  private readonly keys: number;
  private readonly filters: readonly KeyFilter[];
  private readonly words = new Uint32Array(PAGE_KEYS * ENTRY_WORDS);
  private filled = 0;
  private readonly pages: Uint32Array;
  private readonly firsts: Uint32Array;
  private written = 0;

  constructor(disk: KeyPages, keys: number, filters: readonly KeyFilter[]) {
    this.disk = disk;
    this.keys = keys;
    this.filters = filters;
    this.pages = new Uint32Array(Math.ceil(keys / PAGE_KEYS));
    this.firsts = new Uint32Array(this.pages.length);
  }

  /** Takes the four words of an entry. @returns whether that filled a page, which was written */
  append(high: number, low: number, lower: number, upper: number): boolean {
    const at = this.filled * ENTRY_WORDS;
    const { words } = this;
    words[at] = high;
    words[at + 1] = low;
    words[at + 2] = lower;
    words[at + 3] = upper;
    if (++this.filled < PAGE_KEYS) return false;
    this.writePage();
    return true;
  }

  /** Writes what is left. */
  finish(): KeyRun {
    if (this.filled > 0) this.writePage();
    return { keys: this.keys, pages: this.pages, firsts: this.firsts };
  }

  private writePage(): void {
    this.firsts[this.written] = this.words[0] ?? 0;
    for (const filter of this.filters) addEntries(this.words, this.filled, filter);
    this.pages[this.written++] = this.disk.write(this.words, this.filled);
    this.filled = 0;
  }
}
