import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import type { Revision } from "ledger-core";
import { KeyFilter } from "./key-filter.ts";
import { type Cursor, cursorsAt, mergeRuns, pagesAhead, pagesLeft } from "./key-merge.ts";
import { addEntries, ENTRY_WORDS, keyPagesSchema, openKeyPages } from "./key-pages.ts";
import { findInRun, type KeyRun } from "./key-run.ts";
import { KeyRunWriter, writeTail } from "./key-run-writer.ts";
import type { KeyTail } from "./key-tail.ts";
import { onStateDisk } from "./state-faults.ts";

/** Numbers stand in the machine's own byte order: the file is of use only where it was made. */
export const keyRunsSchema = `
  CREATE TABLE key_runs (run INTEGER PRIMARY KEY, level INTEGER NOT NULL, keys INTEGER NOT NULL, pages BLOB NOT NULL,
    firsts BLOB NOT NULL) STRICT;
  ${keyPagesSchema}
`;

/** So many runs of one level become one of the next: a key is rewritten once a level. */
const FAN_IN = 8;

/** The lower levels have many runs of few keys: a filter of a byte a key tells which are worth a read. */
const LEVELS_FILTERED = 2;

/** A run in the table; `level`: how often its keys have been merged. */
type StoredRun = KeyRun & { readonly run: number; readonly level: number; filter: KeyFilter | undefined };

/** Runs that are to be one, and how many pages of it are written with each new run. */
type Plan = {
  readonly inputs: readonly StoredRun[];
  readonly cursors: readonly Cursor[];
  readonly pagesPerAdd: number;
};
/** A merge under way. */
type Merge = Plan & { readonly work: Generator<void> };

/**
 * The keys on disk: immutable runs, sorted and cut into pages, so that a look-up reads one page a run and a new run is written in one
 * sweep. Random inserts into one big B-tree would rewrite most of it at every flush.
 */
export type KeyRuns = {
  /** How many keys the runs hold. */
  count(): number;
  /** Appends the revisions under a hash to `found`. */
  find(high: number, low: number, found: Revision[]): void;
  /**
   * Writes a tail as a run, which a filter learns, and a share of the merges that are due: they go on over many flushes, so that none has
   * to wait for a big one. Yields between slices of some 0.1 ms. The caller holds the transaction; when it is rolled back, the file is to be opened again.
   */
  add(tail: KeyTail, filter: KeyFilter): Generator<void>;
  /** The pages that the next `add` will read or write over: nearly all of them, should it be of the size of the last. */
  soon(): Uint32Array;
  /** Adds every key to a filter: at start, when nothing is served yet. */
  fill(filter: KeyFilter): void;
};

export function openKeyRuns(db: DatabaseSync): KeyRuns {
  const writeRun = db.prepare("INSERT INTO key_runs (run, level, keys, pages, firsts) VALUES (?, ?, ?, ?, ?)");
  const dropRun = db.prepare("DELETE FROM key_runs WHERE run = ?");
  let runs = db.prepare("SELECT * FROM key_runs ORDER BY run").all().map(parseRun);
  const pages = openKeyPages(
    db,
    runs.map((run) => run.pages),
  );
  const merges = new Map<number, Merge>();
  /** How many pages the last `add` wrote. */
  let lately = 0;

  function writerOf(keys: number, filters: readonly (KeyFilter | undefined)[]): KeyRunWriter {
    return new KeyRunWriter(
      pages,
      keys,
      filters.filter((filter) => filter !== undefined),
    );
  }

  function keep(written: KeyRun, level: number, filter: KeyFilter | undefined): void {
    const run = 1 + Math.max(0, ...runs.map((other) => other.run));
    onStateDisk(() => writeRun.run(run, level, written.keys, bytesOf(written.pages), bytesOf(written.firsts)));
    runs.push({ ...written, run, level, filter });
  }

  function* merge({ inputs, cursors }: Plan, level: number): Generator<void> {
    const keys = keysOf(inputs);
    const filter = filterFor(level, keys);
    keep(yield* mergeRuns(writerOf(keys, [filter]), pages, cursors), level, filter);
    runs = runs.filter((run) => !inputs.includes(run));
    for (const { run } of inputs) onStateDisk(() => dropRun.run(run));
    for (const input of inputs) pages.free(input.pages);
  }

  /**
   * A merge of the oldest runs of a level, where there are enough: done when half as many new ones have come. Where more wait, since merges
   * begin again after a restart, it is so much faster.
   * @param coming runs of the level that the next flush will write
   */
  function planMerge(level: number, coming = 0): Plan | undefined {
    const due = runs.filter((run) => run.level === level);
    if (due.length + coming < FAN_IN) return undefined;
    const inputs = due.slice(0, FAN_IN);
    const written = inputs.reduce((sum, run) => sum + run.pages.length, 0);
    const adds = FAN_IN ** (level + 1) / 2 / (1 + due.length + coming - FAN_IN);
    return { inputs, cursors: cursorsAt(inputs), pagesPerAdd: Math.ceil(written / adds) };
  }

  function beginMerge(level: number): Merge | undefined {
    const plan = planMerge(level);
    if (!plan) return undefined;
    const begun = { ...plan, work: merge(plan, level + 1) };
    merges.set(level, begun);
    return begun;
  }

  /** From 0 to the highest that there is now. */
  function levels(): number[] {
    return Array.from({ length: 1 + Math.max(-1, ...runs.map((run) => run.level)) }, (_, level) => level);
  }

  function* advanceMerge(level: number): Generator<void> {
    const under = merges.get(level) ?? beginMerge(level);
    for (let page = 0; under && page < under.pagesPerAdd; page++) {
      if (under.work.next().done) {
        merges.delete(level);
        return;
      }
      yield;
    }
  }

  return {
    count: () => keysOf(runs),
    find(high, low, found) {
      for (const run of runs) {
        if (run.filter?.mayContain(high, low) ?? true) findInRun(pages, run, high, low, found);
      }
    },
    *add(tail, filter) {
      if (tail.size === 0) return;
      const before = pages.written;
      const own = filterFor(0, tail.size);
      keep(yield* writeTail(writerOf(tail.size, [own, filter]), tail), 0, own);
      for (const level of levels()) yield* advanceMerge(level);
      lately = pages.written - before;
    },
    soon() {
      const ahead = [...pages.overwritten(lately)];
      let coming = 1;
      for (const level of levels()) {
        const next = merges.get(level) ?? planMerge(level, coming);
        if (next) ahead.push(...pagesAhead(next.cursors, next.pagesPerAdd));
        coming = next && pagesLeft(next.cursors) <= next.pagesPerAdd ? 1 : 0;
      }
      return Uint32Array.from(ahead);
    },
    fill(filter) {
      for (const run of runs) {
        run.filter = filterFor(run.level, run.keys);
        for (const page of run.pages) {
          const words = pages.read(page);
          addEntries(words, words.length / ENTRY_WORDS, filter);
          if (run.filter) addEntries(words, words.length / ENTRY_WORDS, run.filter);
        }
      }
    },
  };
}

function keysOf(runs: readonly KeyRun[]): number {
  return runs.reduce((sum, run) => sum + run.keys, 0);
}

function filterFor(level: number, keys: number): KeyFilter | undefined {
  return level < LEVELS_FILTERED ? new KeyFilter(64 * Math.ceil(keys / 64)) : undefined;
}

function parseRun(row: Record<string, SQLOutputValue>): StoredRun {
  return {
    run: Number(row.run),
    level: Number(row.level),
    keys: Number(row.keys),
    pages: wordsOf(row.pages),
    firsts: wordsOf(row.firsts),
    filter: undefined,
  };
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

function wordsOf(blob: SQLOutputValue | undefined): Uint32Array {
  if (!(blob instanceof Uint8Array)) throw new TypeError("a column of numbers holds none");
  return new Uint32Array(blob.buffer, blob.byteOffset, blob.byteLength / 4);
}
