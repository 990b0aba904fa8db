import { ENTRY_WORDS, type KeyPages } from "./key-pages.ts";
import type { KeyRun } from "./key-run.ts";
import type { KeyRunWriter } from "./key-run-writer.ts";

/** Where a merge stands in one of its runs: the page that is open, and the next entry in it. */
export type Cursor = { readonly run: KeyRun; nextPage: number; words: Uint32Array; at: number };

/** At the beginning of each run. */
export function cursorsAt(runs: readonly KeyRun[]): readonly Cursor[] {
  return runs.map((run) => ({ run, nextPage: 0, words: new Uint32Array(0), at: 0 }));
}

/** How many pages are not opened yet. */
export function pagesLeft(cursors: readonly Cursor[]): number {
  return cursors.reduce((sum, { run, nextPage }) => sum + run.pages.length - nextPage, 0);
}

/** The pages that so many pages of a merge will be made of, or some more: hashes are spread evenly, so each run gives its share. */
export function pagesAhead(cursors: readonly Cursor[], count: number): number[] {
  const left = pagesLeft(cursors);
  return cursors.flatMap(({ run, nextPage }) => {
    const share = Math.ceil((count * (run.pages.length - nextPage)) / Math.max(1, left));
    return [...run.pages.subarray(nextPage, nextPage + share + 1)];
  });
}

/** Writes the keys of several runs as one: a linear merge of words; yields after each page, some 0.05 ms. */
export function* mergeRuns(writer: KeyRunWriter, disk: KeyPages, cursors: readonly Cursor[]): Generator<void, KeyRun> {
  // The next `high` of each; the heads lie side by side, since every key is compared with all of them.
  const heads = Float64Array.from(cursors, (cursor) => head(disk, cursor));
  while (mergePage(writer, disk, cursors, heads)) yield;
  return writer.finish();
}

/** Appends what comes next until a page is written. @returns whether there may be more */
function mergePage(writer: KeyRunWriter, disk: KeyPages, cursors: readonly Cursor[], heads: Float64Array): boolean {
  for (;;) {
    const least = indexOfLeast(heads);
    const cursor = cursors[least];
    if (!cursor || heads[least] === Number.POSITIVE_INFINITY) return false;
    const { words, at } = cursor;
    cursor.at += ENTRY_WORDS;
    heads[least] = words[cursor.at] ?? head(disk, cursor);
    if (writer.append(words[at] ?? 0, words[at + 1] ?? 0, words[at + 2] ?? 0, words[at + 3] ?? 0)) return true;
  }
}

/** The `high` that comes next in a run, opening its next page where one is at its end; infinite after the last. */
function head(disk: KeyPages, cursor: Cursor): number {
  const { run } = cursor;
  if (cursor.at >= cursor.words.length && cursor.nextPage < run.pages.length) {
    cursor.words = disk.read(run.pages[cursor.nextPage++] ?? 0);
    cursor.at = 0;
  }
  return cursor.words[cursor.at] ?? Number.POSITIVE_INFINITY;
}

function indexOfLeast(values: Float64Array): number {
  let least = 0;
  let value = values[0] ?? 0;
  for (let i = 1; i < values.length; i++) {
    const other = values[i] ?? 0;
    if (other < value) {
      least = i;
      value = other;
    }
  }
  return least;
}
