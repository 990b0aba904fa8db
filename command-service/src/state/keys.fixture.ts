import { DatabaseSync } from "node:sqlite";
import { weakHash64 } from "ledger-core";
import { type KeyRuns, keyRunsSchema } from "./key-runs.ts";
import { KeyTail } from "./key-tail.ts";

/** The hash of the nth key of a test. */
export function keyHash(n: number): { high: number; low: number } {
  return weakHash64(`key-${n}`);
}

/** The keys from `first`, each at the revision of its number. */
export function tailOf(first: number, count: number): KeyTail {
  const tail = new KeyTail();
  for (let n = first; n < first + count; n++) {
    const { high, low } = keyHash(n);
    tail.add(high, low, n);
  }
  return tail;
}

export function revisionsOf(runs: KeyRuns, n: number): number[] {
  const { high, low } = keyHash(n);
  const found: number[] = [];
  runs.find(high, low, found);
  return found;
}

export function keysDatabase(): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  db.exec(keyRunsSchema);
  return db;
}

/** @returns the number of slices */
export function finish(work: Generator<void>): number {
  let slices = 0;
  for (const _ of work) slices++;
  return slices;
}
