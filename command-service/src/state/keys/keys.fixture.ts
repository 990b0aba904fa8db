import { weakHash64 } from "ledger-core";
import { stateCorrupt } from "../state-faults.ts";
import type { KeyRunsOptions } from "./key-runs.ts";
import { type KeyStorage, storageOn } from "./key-storage.ts";
import type { KeyFiles } from "./key-work.ts";
import { KnownKeys, unknownPlace } from "./known-keys.ts";

/** Files in memory; `fail` is called before each access. */
type MemoryFiles = KeyFiles & {
  readonly kept: Map<number, Uint8Array>;
  fail: (what: "read" | "write" | "remove", file: number) => void;
};

export function memoryFiles(kept = new Map<number, Uint8Array>()): MemoryFiles {
  const files: MemoryFiles = {
    kept,
    fail: () => {},
    list: () => [...kept].map(([file, { length }]) => ({ file, bytes: length })),
    read(file, at, bytes) {
      files.fail("read", file);
      const found = kept.get(file);
      if (!found || found.length < at + bytes) throw stateCorrupt(`the file ${file} is missing or too short`);
      return found.slice(at, at + bytes);
    },
    write(file, bytes) {
      files.fail("write", file);
      kept.set(file, bytes.slice());
    },
    remove(file) {
      files.fail("remove", file);
      kept.delete(file);
    },
  };
  return files;
}

/** An error of the file system. */
export function diskError(code: "ENOSPC" | "EIO"): Error {
  return Object.assign(new Error(code), { code });
}

/** So small that a few thousand keys make many runs, parts and blocks. */
export const small: KeyRunsOptions = { entriesPerBlock: 5, layers: 3, partKeys: 300, filterBytes: 2 ** 20 };

export function keyStore(storage: KeyStorage, manifest: string | null, options: KeyRunsOptions = small): KnownKeys {
  let drawn = 0;
  const random = (below: number) => weakHash64(`${drawn++}`).high % below;
  return new KnownKeys({ ...options, storage, hashKey: new Uint8Array(16), manifest, random });
}

export function inMemory(files: KeyFiles): KeyStorage {
  return storageOn(files, queueMicrotask);
}

/** Writes the tail as a flush does. @returns the manifest for its commit */
export async function flush(keys: KnownKeys): Promise<string> {
  await keys.write();
  const manifest = keys.record();
  keys.settle();
  await keys.onDisk.settled();
  return manifest;
}

/** The revisions under a key, read from disk if necessary. */
export async function revisionsOf(keys: KnownKeys, key: string): Promise<readonly number[]> {
  const place = unknownPlace();
  for (;;) {
    const found = keys.find(place, "t", "s", key);
    if (found) return [...found].sort((a, b) => a - b);
    await keys.load([place]);
  }
}
