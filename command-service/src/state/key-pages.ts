import type { DatabaseSync } from "node:sqlite";
import type { KeyFilter } from "./key-filter.ts";
import { onStateDisk } from "./state-faults.ts";

export const keyPagesSchema = "CREATE TABLE key_pages (page INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;";

export const readPageSql = "SELECT data FROM key_pages WHERE page = ?";

/** The keys of a page, but for the last of a run: 8 KiB, so that what a row costs is shared by many, and a look-up still reads little. */
export const PAGE_KEYS = 512;
/** An entry: high, low, and the revision as its lower and upper 32 bits. */
export const ENTRY_WORDS = 4;
const ENTRY_BYTES = ENTRY_WORDS * 4;

/**
 * Pages of entries in the database. A page that is no longer needed is written over by a later one: to delete and insert would have
 * SQLite touch every block of both.
 */
export type KeyPages = {
  /** The entries of a page as words; a copy of its own. */
  read(page: number): Uint32Array;
  /** Writes so many entries to a page nobody needs. @returns its number */
  write(entries: Uint32Array, keys: number): number;
  free(pages: Uint32Array): void;
  /** How many were written since it was opened. */
  readonly written: number;
  /** The pages that the next so many writes will write over, for which SQLite reads them. */
  overwritten(writes: number): readonly number[];
};

/** @param used the pages that runs hold; what else is in the table is free: left by merges that were done, or never ended */
export function openKeyPages(db: DatabaseSync, used: readonly Uint32Array[]): KeyPages {
  const read = db.prepare(readPageSql);
  const write = db.prepare("INSERT OR REPLACE INTO key_pages (page, data) VALUES (?, ?)");
  const last = Number(db.prepare("SELECT coalesce(max(page), 0) AS page FROM key_pages").get()?.page);
  const free = unused(last, used);
  let next = last + 1;
  let written = 0;
  return {
    read(page) {
      const data = onStateDisk(() => read.get(page)?.data);
      if (!(data instanceof Uint8Array)) return new Uint32Array(0);
      return new Uint32Array(data.buffer, data.byteOffset, data.byteLength / 4);
    },
    write(entries, keys) {
      const page = free.pop() ?? next++;
      written++;
      onStateDisk(() => write.run(page, new Uint8Array(entries.buffer, entries.byteOffset, keys * ENTRY_BYTES)));
      return page;
    },
    free(pages) {
      for (let i = pages.length - 1; i >= 0; i--) free.push(pages[i] ?? 0);
    },
    get written() {
      return written;
    },
    overwritten: (writes) => (writes > 0 ? free.slice(-writes) : []),
  };
}

/** Adds the first so many entries of a page to a filter. */
export function addEntries(words: Uint32Array, keys: number, filter: KeyFilter): void {
  for (let at = 0; at < keys * ENTRY_WORDS; at += ENTRY_WORDS) filter.add(words[at] ?? 0, words[at + 1] ?? 0);
}

function unused(last: number, used: readonly Uint32Array[]): number[] {
  const taken = new Uint8Array(last + 1);
  for (const pages of used) for (const page of pages) taken[page] = 1;
  const free: number[] = [];
  for (let page = last; page >= 1; page--) if (taken[page] === 0) free.push(page);
  return free;
}
