import type { DatabaseSync } from "node:sqlite";
import type { Revision } from "ledger-core";
import type { KeyFilter, KeyHash } from "./key-filter.ts";
import type { KeyEntry } from "./key-tail.ts";

export const keyRunsSchema = `
  CREATE TABLE key_runs (run INTEGER PRIMARY KEY, level INTEGER NOT NULL, keys INTEGER NOT NULL, bits INTEGER NOT NULL) STRICT;
  CREATE TABLE key_pages (page INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
`;

type Run = { readonly run: number; readonly level: number; readonly keys: number; readonly bits: number };

const ENTRY_BYTES = 16;
const PAGE_KEYS = 256;
const PAGES_MAX = 2 ** 26;
/** So many runs of one level become one of the next: a key is rewritten once a level. */
const FAN_IN = 8;

/**
 * The keys on disk: immutable runs, each cut into pages by the top bits of the hash, so that a look-up reads one page a run and
 * a new run is written in one sweep. Random inserts into one big B-tree would rewrite most of it at every flush.
 */
export type KeyRuns = {
  /** How many keys the runs hold. */
  count(): number;
  find(hash: KeyHash, found: Revision[]): void;
  /** Writes a run of so many keys, then merges what is due; yields between slices of work. The caller holds the transaction. */
  add(keys: number, entries: Iterable<KeyEntry>): Generator<void>;
  /** Adds every key to a filter: at start, when nothing is served yet. */
  fill(filter: KeyFilter): void;
};

/** The page of a hash in a run of 2^bits pages. */
function pageOf(hash: KeyHash, bits: number): number {
  return bits === 0 ? 0 : hash.high >>> (32 - bits);
}

function bitsFor(keys: number): number {
  return Math.min(24, Math.max(0, Math.ceil(Math.log2(keys / PAGE_KEYS))));
}

function packPage(entries: readonly KeyEntry[]): Uint8Array {
  const bytes = new Uint8Array(entries.length * ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  entries.forEach((entry, i) => {
    view.setUint32(i * ENTRY_BYTES, entry.high);
    view.setUint32(i * ENTRY_BYTES + 4, entry.low);
    view.setFloat64(i * ENTRY_BYTES + 8, entry.revision);
  });
  return bytes;
}

function unpackPage(bytes: Uint8Array): KeyEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength / ENTRY_BYTES }, (_, i) => ({
    high: view.getUint32(i * ENTRY_BYTES),
    low: view.getUint32(i * ENTRY_BYTES + 4),
    revision: view.getFloat64(i * ENTRY_BYTES + 8),
  }));
}

/** Look-ups and start-up read the bytes where they lie: an object an entry costs ten times as much. */
function findInPage(bytes: Uint8Array, hash: KeyHash, found: Revision[]): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.byteLength; at += ENTRY_BYTES) {
    if (view.getUint32(at) === hash.high && view.getUint32(at + 4) === hash.low) found.push(view.getFloat64(at + 8));
  }
}

function addPage(bytes: Uint8Array, filter: KeyFilter): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const hash = { high: 0, low: 0 };
  for (let at = 0; at < bytes.byteLength; at += ENTRY_BYTES) {
    hash.high = view.getUint32(at);
    hash.low = view.getUint32(at + 4);
    filter.add(hash);
  }
}

export function openKeyRuns(db: DatabaseSync): KeyRuns {
  const readPage = db.prepare("SELECT data FROM key_pages WHERE page = ?");
  const writePage = db.prepare("INSERT INTO key_pages (page, data) VALUES (?, ?)");
  const writeRun = db.prepare("INSERT INTO key_runs (run, level, keys, bits) VALUES (?, ?, ?, ?)");
  const dropPages = db.prepare("DELETE FROM key_pages WHERE page BETWEEN ? AND ?");
  const dropRun = db.prepare("DELETE FROM key_runs WHERE run = ?");
  let runs = readRuns(db);

  function page(run: Run, index: number): KeyEntry[] {
    const data = readPage.get(run.run * PAGES_MAX + index)?.data;
    return data instanceof Uint8Array ? unpackPage(data) : [];
  }

  function* write(level: number, keys: number, pages: (index: number, bits: number) => KeyEntry[]): Generator<void> {
    const bits = bitsFor(keys);
    const run = { run: 1 + Math.max(0, ...runs.map((other) => other.run)), level, keys, bits };
    for (let index = 0; index < 2 ** bits; index++) {
      const entries = pages(index, bits);
      if (entries.length > 0) writePage.run(run.run * PAGES_MAX + index, packPage(entries));
      if (index % 4 === 3) yield;
    }
    writeRun.run(run.run, level, keys, bits);
    runs = [...runs, run];
  }

  function* merge(inputs: readonly Run[], level: number): Generator<void> {
    const open = inputs.map((run) => ({ run, index: -1, entries: [] as KeyEntry[] }));
    const keys = inputs.reduce((sum, run) => sum + run.keys, 0);
    yield* write(level, keys, (index, bits) =>
      open.flatMap((input) => {
        const wanted = index >>> (bits - input.run.bits);
        if (input.index !== wanted) Object.assign(input, { index: wanted, entries: page(input.run, wanted) });
        return input.entries.filter((entry) => pageOf(entry, bits) === index);
      }),
    );
    for (const input of inputs) {
      dropRun.run(input.run);
      dropPages.run(input.run * PAGES_MAX, (input.run + 1) * PAGES_MAX - 1);
      yield;
    }
    runs = runs.filter((run) => !inputs.includes(run));
  }

  return {
    count: () => runs.reduce((sum, run) => sum + run.keys, 0),
    find(hash, found) {
      for (const run of runs) {
        const data = readPage.get(run.run * PAGES_MAX + pageOf(hash, run.bits))?.data;
        if (data instanceof Uint8Array) findInPage(data, hash, found);
      }
    },
    *add(keys, entries) {
      if (keys === 0) return;
      const bits = bitsFor(keys);
      const pages = Array.from({ length: 2 ** bits }, () => [] as KeyEntry[]);
      let sorted = 0;
      for (const entry of entries) {
        pages[pageOf(entry, bits)]?.push(entry);
        if (++sorted % 1024 === 0) yield;
      }
      yield* write(0, keys, (index) => pages[index] ?? []);
      for (let level = 0; ; level++) {
        const due = runs.filter((run) => run.level === level);
        if (due.length < FAN_IN) return;
        yield* merge(due, level + 1);
      }
    },
    fill(filter) {
      for (const row of db.prepare("SELECT data FROM key_pages").iterate()) {
        if (row.data instanceof Uint8Array) addPage(row.data, filter);
      }
    },
  };
}

function readRuns(db: DatabaseSync): Run[] {
  return db
    .prepare("SELECT run, level, keys, bits FROM key_runs ORDER BY run")
    .all()
    .map((row) => ({
      run: Number(row.run),
      level: Number(row.level),
      keys: Number(row.keys),
      bits: Number(row.bits),
    }));
}
