import { stateCorrupt } from "../state-faults.ts";
import type { PartFile } from "./part-format.ts";

/**
 * A run: entries sorted by hash, in parts that each cover an equal share of all hashes. It answers for hashes whose
 * `high` is in [`from`, `to`): during a merge, the new run already has the lower hashes, and its inputs the rest.
 */
export type RunRecord = {
  readonly id: number;
  /** Keys of the whole run, including parts not written yet or no longer needed. */
  readonly keys: number;
  readonly partCount: number;
  readonly from: number;
  readonly to: number;
  /** The run that this one is being merged into. */
  readonly into: number | null;
  /** By number; null if a part is empty, not written yet, or no longer needed. */
  readonly parts: readonly (PartFile | null)[];
};

/** The key store's files, kept in the same transaction as the decision state. */
export type KeyManifest = {
  /** The next number for a file or a run. */
  readonly next: number;
  readonly runs: readonly RunRecord[];
};

export function encodeManifest({ next, runs }: KeyManifest): string {
  return JSON.stringify({
    next,
    runs: runs.map(({ parts, ...run }) => ({
      ...run,
      parts: parts.map((part) => part && [part.file, part.seed, part.keys, part.entriesPerBlock, part.layers]),
    })),
  });
}

/** @throws state_corrupt */
export function decodeManifest(text: string): KeyManifest {
  try {
    const { next, runs } = members(JSON.parse(text));
    return { next: integer(next), runs: list(runs).map(readRun) };
  } catch (error) {
    throw stateCorrupt("the list of the files of keys cannot be read", error);
  }
}

function readRun(json: unknown): RunRecord {
  const { id, keys, partCount, from, to, into, parts } = members(json);
  return {
    id: integer(id),
    keys: integer(keys),
    partCount: integer(partCount),
    from: integer(from),
    to: integer(to),
    into: into === null ? null : integer(into),
    parts: list(parts).map(readPart),
  };
}

function readPart(json: unknown): PartFile | null {
  if (json === null) return null;
  const [file = 0, seed = 0, keys = 0, entriesPerBlock = 0, layers = 0] = list(json).map(integer);
  return { file, seed, keys, entriesPerBlock, layers };
}

function members(json: unknown): Record<string, unknown> {
  if (typeof json !== "object" || json === null) throw new TypeError("not an object");
  return { ...json };
}

function list(json: unknown): readonly unknown[] {
  if (!Array.isArray(json)) throw new TypeError("not a list");
  return json;
}

function integer(json: unknown): number {
  if (typeof json !== "number" || !Number.isSafeInteger(json) || json < 0) throw new TypeError("not a number");
  return json;
}
