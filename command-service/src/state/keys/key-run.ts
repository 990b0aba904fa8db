import { bitsOf, hasBits } from "./key-filter.ts";
import type { RunRecord } from "./key-manifest.ts";
import type { PartFile } from "./part-format.ts";

export const HASHES_END = 2 ** 32;

/** A part and its index in memory: its fences once read, and as many layers of its filter as fit. */
export type Part = {
  readonly part: PartFile;
  fences: Uint32Array | undefined;
  layers: readonly Uint32Array[];
  /** The number of layers that fit. */
  wanted: number;
};

/** A run in memory; it changes as it is written or merged into another. */
export type Run = {
  readonly id: number;
  readonly keys: number;
  readonly partCount: number;
  from: number;
  to: number;
  into: number | null;
  readonly parts: (Part | null)[];
};

export function openRun(record: RunRecord): Run {
  const parts = record.parts.map((part) => part && { part, fences: undefined, layers: [], wanted: 0 });
  return { ...record, parts };
}

export function recordOf({ parts, ...run }: Run): RunRecord {
  return { ...run, parts: parts.map((part) => part?.part ?? null) };
}

/** The part that may hold a hash, by the filters in memory; undefined if the run does not hold it. */
export function partThatMayHold(run: Run, high: number, low: number, firstBits: number): Part | undefined {
  if (high < run.from || high >= run.to) return undefined;
  const place = high * run.partCount;
  const nth = Math.floor(place / HASHES_END);
  const part = run.parts[nth];
  if (!part) return undefined;
  const { layers } = part;
  const [first] = layers;
  if (!first) return part;
  const offset = place - nth * HASHES_END;
  if (!hasBits(first, offset, firstBits)) return undefined;
  for (let layer = 1; layer < layers.length; layer++) {
    const words = layers[layer];
    if (words && !hasBits(words, offset, bitsOf(high, low, layer))) return undefined;
  }
  return part;
}
