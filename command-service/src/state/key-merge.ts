import { ENTRY_WORDS, type KeyPages } from "./key-pages.ts";
import { type KeyRun, KeyRunWriter } from "./key-run.ts";

/** Where a merge stands in one of its runs: the page that is open, and the next entry in it. */
type Cursor = { readonly run: KeyRun; nextPage: number; words: Uint32Array; at: number };

/** One run of the keys of several: a linear merge of words, page by page; yields after each page written, some 0.1 ms. */
export function* mergeRuns(disk: KeyPages, runs: readonly KeyRun[]): Generator<void, KeyRun> {
  const writer = new KeyRunWriter(
    disk,
    runs.reduce((sum, run) => sum + run.keys, 0),
  );
  const cursors = runs.map((run) => ({ run, nextPage: 0, words: new Uint32Array(0), at: 0 }));
  // The next `high` of each; the heads lie side by side, since every key is compared with all of them.
  const heads = Float64Array.from(cursors, (cursor) => head(disk, cursor));
  for (;;) {
    const least = indexOfLeast(heads);
    const cursor = cursors[least];
    if (!cursor || heads[least] === Number.POSITIVE_INFINITY) return writer.finish();
    const { words, at } = cursor;
    cursor.at += ENTRY_WORDS;
    heads[least] = words[cursor.at] ?? head(disk, cursor);
    if (writer.append(words[at] ?? 0, words[at + 1] ?? 0, words[at + 2] ?? 0, words[at + 3] ?? 0)) yield;
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
