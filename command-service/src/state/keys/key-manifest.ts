import { stateCorrupt } from "../state-faults.ts";
import type { PartFile } from "./part-format.ts";

/**
 * A run: entries in the order of their hashes, in parts of an equal share of all hashes each. It answers for hashes
 * whose `high` is from `from` up to and without `to`: while runs are merged into one, that one has the lower hashes
 * already, and the others have the rest.
 */
export type RunRecord = {
  readonly id: number;
  /** Keys of the whole run, also of parts that are not written yet or not needed any more. */
  readonly keys: number;
  readonly partCount: number;
  readonly from: number;
  readonly to: number;
  /** The run that this one is being merged into. */
  readonly into: number | null;
  /** By their number; null where there is none of it, or not yet, or not any more. */
  readonly parts: readonly (PartFile | null)[];
};

/** What the decision state keeps of the key store, in the transaction that it is true of. */
export type KeyManifest = {
  /** The next number of a file, and of a run. */
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
