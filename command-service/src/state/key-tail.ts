import type { Revision } from "ledger-core";
import type { KeyHash } from "./key-filter.ts";

/** Where the answering event of a key stands. */
export type KeyEntry = KeyHash & { readonly revision: Revision };

/**
 * Hash → revision for the keys that are not on disk yet: open addressing over typed arrays, 16 bytes a slot, so that a
 * quarter of a million keys cost a few megabytes and no garbage. Two keys with one hash stand side by side.
 */
export class KeyTail {
  private slots: number;
  private high: Uint32Array;
  private low: Uint32Array;
  private revision: Float64Array;
  private count = 0;

  constructor(slots = 1024) {
    this.slots = slots;
    this.high = new Uint32Array(slots);
    this.low = new Uint32Array(slots);
    this.revision = new Float64Array(slots).fill(-1);
  }

  get size(): number {
    return this.count;
  }

  /** An empty one with as many slots: it will hold as much, and need not grow to it step by step. */
  successor(): KeyTail {
    return new KeyTail(this.slots);
  }

  add(entry: KeyEntry): void {
    if (this.count * 2 >= this.slots) this.grow();
    this.insert(entry);
    this.count++;
  }

  clear(): void {
    this.revision.fill(-1);
    this.count = 0;
  }

  /** Appends the revisions under a hash to `found`. */
  find(hash: KeyHash, found: Revision[]): void {
    const mask = this.slots - 1;
    for (let slot = hash.low & mask; ; slot = (slot + 1) & mask) {
      const revision = this.revision[slot];
      if (revision === undefined || revision < 0) return;
      if (this.high[slot] === hash.high && this.low[slot] === hash.low) found.push(revision);
    }
  }

  /** One after another, made as they are asked for: a list of them all would stop everything for milliseconds. */
  *entries(): Generator<KeyEntry, void, void> {
    for (let slot = 0; slot < this.slots; slot++) {
      const revision = this.revision[slot] ?? -1;
      if (revision >= 0) yield { high: this.high[slot] ?? 0, low: this.low[slot] ?? 0, revision };
    }
  }

  private insert(entry: KeyEntry): void {
    const mask = this.slots - 1;
    let slot = entry.low & mask;
    while ((this.revision[slot] ?? -1) >= 0) slot = (slot + 1) & mask;
    this.high[slot] = entry.high;
    this.low[slot] = entry.low;
    this.revision[slot] = entry.revision;
  }

  private grow(): void {
    const old = [...this.entries()];
    this.slots *= 2;
    this.high = new Uint32Array(this.slots);
    this.low = new Uint32Array(this.slots);
    this.revision = new Float64Array(this.slots).fill(-1);
    for (const entry of old) this.insert(entry);
  }
}
