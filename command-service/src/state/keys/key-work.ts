import type { LedgerErrorCode } from "ledger-core";
import { stateCorrupt } from "../state-faults.ts";
import { sortedPlaces } from "./key-order.ts";
import {
  checkBlock,
  checkFences,
  checkFooter,
  ENTRY_WORDS,
  entriesIn,
  type PartFile,
  type PartIndex,
  type PartShape,
  placesOf,
  wordsOf,
} from "./part-format.ts";
import { lowerBound, PartWriter } from "./part-writer.ts";

/** Files of parts, by number. Every method may throw the file system's errors. */
export type KeyFiles = {
  list(): { readonly file: number; readonly bytes: number }[];
  /** Reads `bytes` bytes from `at` on. @throws state_corrupt if there are fewer, or no such file */
  read(file: number, at: number, bytes: number): Uint8Array;
  /** Durable when it returns; leaves nothing when it throws. */
  write(file: number, bytes: Uint8Array): void;
  remove(file: number): void;
};

/** The keys of a tail, in any order. */
export type KeyColumns = {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  readonly revision: Float64Array;
};

/** A part to be written; its keys are counted when it is. */
export type NewPart = PartShape & { readonly file: number; readonly seed: number; readonly nth: number };

/** Messages to the thread that does the work, and its replies. */
export type KeyRequest = KeyWork | { readonly kind: "close" };

export type KeyReply =
  | { readonly parts: readonly WrittenPart[] }
  | { readonly code: LedgerErrorCode; readonly message: string; readonly retryable: boolean };

/** Work for the thread of keys. */
export type KeyWork =
  /** Sorts keys and writes them as a run of these parts. */
  | { readonly kind: "write"; readonly columns: KeyColumns; readonly parts: readonly NewPart[] }
  /** Writes one part of a run, merged from the inputs' parts that may hold keys of its range. */
  | {
      readonly kind: "merge";
      readonly inputs: readonly (readonly PartFile[])[];
      readonly part: NewPart;
      readonly partCount: number;
    }
  | { readonly kind: "remove"; readonly files: readonly number[] };

/** A written part; without keys it has no file. */
export type WrittenPart = { readonly part: PartFile; readonly index: PartIndex };

/** @throws state_corrupt, or the file system's errors */
export function doKeyWork(files: KeyFiles, work: KeyWork): readonly WrittenPart[] {
  if (work.kind === "write") return writeColumns(files, work.columns, work.parts);
  if (work.kind === "merge") return [mergePart(files, work.inputs, work.part, work.partCount)];
  for (const file of work.files) files.remove(file);
  return [];
}

/** Blocks that a merge reads at once: half a mebibyte. */
const BLOCKS_READ = 128;

/** The first `high` of the nth part of a run. */
export function partStart(nth: number, partCount: number): number {
  return Math.ceil((nth * 2 ** 32) / partCount);
}

function writeColumns(files: KeyFiles, columns: KeyColumns, parts: readonly NewPart[]): WrittenPart[] {
  const order = sortedPlaces(columns.high);
  const written: WrittenPart[] = [];
  let from = 0;
  for (const part of parts) {
    const end = partStart(part.nth + 1, parts.length);
    let to = from;
    while (to < order.length && (columns.high[order[to] ?? 0] ?? 0) < end) to++;
    written.push(
      writePart(files, part, parts.length, to - from, (writer) => appendFrom(writer, columns, order, from, to)),
    );
    from = to;
  }
  return written;
}

function appendFrom(writer: PartWriter, columns: KeyColumns, order: Uint32Array, from: number, to: number): void {
  const { high, low, revision } = columns;
  for (let i = from; i < to; i++) {
    const place = order[i] ?? 0;
    const at = revision[place] ?? 0;
    writer.append(high[place] ?? 0, low[place] ?? 0, at >>> 0, Math.floor(at / 2 ** 32));
  }
}

function writePart(
  files: KeyFiles,
  { nth, ...part }: NewPart,
  partCount: number,
  keys: number,
  append: (writer: PartWriter) => void,
): WrittenPart {
  const file = { ...part, keys };
  if (keys === 0) return { part: file, index: { fences: new Uint32Array(0), layers: [] } };
  const writer = new PartWriter(file, partCount, nth);
  append(writer);
  const { bytes, index } = writer.finish();
  files.write(part.file, bytes);
  return { part: file, index };
}

function mergePart(
  files: KeyFiles,
  inputs: readonly (readonly PartFile[])[],
  part: NewPart,
  partCount: number,
): WrittenPart {
  const from = partStart(part.nth, partCount);
  const to = partStart(part.nth + 1, partCount);
  const runs = inputs.map((parts) => entriesBetween(files, parts, from, to)).filter((entries) => entries.length > 0);
  const keys = runs.reduce((sum, { length }) => sum + length, 0) / ENTRY_WORDS;
  return writePart(files, part, partCount, keys, (writer) => mergeInto(writer, runs));
}

/** The entries of a run whose `high` is in [`from`, `to`). */
function entriesBetween(files: KeyFiles, parts: readonly PartFile[], from: number, to: number): Uint32Array {
  const ranges = parts.map((part) => blocksBetween(files, part, from, to));
  const most = ranges.reduce((sum, { part, first, end }) => sum + (end - first) * part.entriesPerBlock, 0);
  const entries = new Uint32Array(most * ENTRY_WORDS);
  let filled = 0;
  for (const range of ranges) filled = readBlocks(files, range, entries, filled);
  const count = filled / ENTRY_WORDS;
  const [first, end] = [lowerBound(entries, ENTRY_WORDS, count, from), lowerBound(entries, ENTRY_WORDS, count, to)];
  return entries.subarray(first * ENTRY_WORDS, end * ENTRY_WORDS);
}

type BlockRange = { readonly part: PartFile; readonly first: number; readonly end: number };

/** The blocks that may hold a `high` of a range. @throws state_corrupt */
function blocksBetween(files: KeyFiles, part: PartFile, from: number, to: number): BlockRange {
  const { fencesAt, footerAt, blocks, bytes } = placesOf(part);
  const footer = wordsOf(files.read(part.file, footerAt, bytes - footerAt));
  checkFooter(footer, part);
  const fences = wordsOf(files.read(part.file, fencesAt, blocks * 4));
  checkFences(fences, footer, part);
  return { part, first: Math.max(0, lowerBound(fences, 1, blocks, from) - 1), end: lowerBound(fences, 1, blocks, to) };
}

/**
 * Appends the entries of blocks, reading a few blocks at a time.
 * @returns the number of filled words
 * @throws state_corrupt
 */
function readBlocks(files: KeyFiles, { part, first, end }: BlockRange, entries: Uint32Array, from: number): number {
  const { blockBytes } = placesOf(part);
  let filled = from;
  for (let at = first; at < end; at += BLOCKS_READ) {
    const count = Math.min(BLOCKS_READ, end - at);
    const words = wordsOf(files.read(part.file, at * blockBytes, count * blockBytes));
    for (let i = 0; i < count; i++) {
      const block = words.subarray((i * blockBytes) / 4, ((i + 1) * blockBytes) / 4);
      checkBlock(block, at + i, part);
      const length = entriesIn(part, at + i) * ENTRY_WORDS;
      entries.set(block.subarray(0, length), filled);
      filled += length;
    }
  }
  return filled;
}

/** A linear merge; the heads lie side by side, since every key is compared with all of them. */
function mergeInto(writer: PartWriter, runs: readonly Uint32Array[]): void {
  const [only] = runs;
  if (runs.length === 1 && only) {
    appendAll(writer, only);
    return;
  }
  const heads = Float64Array.from(runs, (run) => run[0] ?? Number.POSITIVE_INFINITY);
  const at = new Uint32Array(runs.length);
  for (;;) {
    const least = indexOfLeast(heads);
    const run = runs[least];
    if (!run || heads[least] === Number.POSITIVE_INFINITY) return;
    const place = at[least] ?? 0;
    writer.append(run[place] ?? 0, run[place + 1] ?? 0, run[place + 2] ?? 0, run[place + 3] ?? 0);
    at[least] = place + ENTRY_WORDS;
    heads[least] = place + ENTRY_WORDS < run.length ? (run[place + ENTRY_WORDS] ?? 0) : Number.POSITIVE_INFINITY;
  }
}

function appendAll(writer: PartWriter, run: Uint32Array): void {
  for (let at = 0; at < run.length; at += ENTRY_WORDS) {
    writer.append(run[at] ?? 0, run[at + 1] ?? 0, run[at + 2] ?? 0, run[at + 3] ?? 0);
  }
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

/** Checks that every part has its file, with the right size. @throws state_corrupt */
export function assertThere(parts: readonly PartFile[], there: ReadonlyMap<number, number>): void {
  for (const part of parts) {
    if (part.keys === 0) continue;
    const bytes = there.get(part.file);
    if (bytes !== placesOf(part).bytes)
      throw stateCorrupt(`the file of keys ${part.file} is missing, or of another size`);
  }
}
