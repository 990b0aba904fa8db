import type { Revision } from "ledger-core";

/**
 * Hash → revision for the keys that are not on disk yet: three dense columns in order of arrival, and an
 * open-addressing index over them, at most half full. Keys need no objects, and cutting the columns rolls back the last
 * ones. Keys with equal hashes are separate entries.
 */
export class KeyTail {
  /**
   * Entry i < `size`: the halves of its hash, and the revision of its answering event. Read-only, and valid until the
   * next `add`.
   */
  high: Uint32Array;
  low: Uint32Array;
  revision: Float64Array;
  private count = 0;
  /** Slot → entry + 1; 0 is free. The number of slots is a power of two. */
  private index: Int32Array;

  /** @param capacity entries before it grows; a power of two */
  constructor(capacity = 1024) {
    this.high = new Uint32Array(capacity);
    this.low = new Uint32Array(capacity);
    this.revision = new Float64Array(capacity);
    this.index = new Int32Array(capacity * 2);
  }

  get size(): number {
    return this.count;
  }

  add(high: number, low: number, revision: Revision): void {
    if (this.count === this.high.length) this.grow();
    const entry = this.count++;
    this.high[entry] = high;
    this.low[entry] = low;
    this.revision[entry] = revision;
    this.enter(entry);
  }

  /** Appends the revisions under a hash to `found`. */
  find(high: number, low: number, found: Revision[]): void {
    const mask = this.index.length - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const entry = (this.index[slot] ?? 0) - 1;
      if (entry < 0) return;
      if (this.low[entry] === low && this.high[entry] === high) found.push(this.revision[entry] ?? 0);
    }
  }

  /** A point to roll back to, valid until something before it is rolled back. */
  mark(): number {
    return this.count;
  }

  /** Removes every key added since the mark. */
  rollbackTo(mark: number): void {
    const mask = this.index.length - 1;
    // Last first: no remaining key was displaced by a removed one, so slots can simply be freed.
    while (this.count > mark) {
      const entry = --this.count;
      let slot = (this.low[entry] ?? 0) & mask;
      while (this.index[slot] !== entry + 1) slot = (slot + 1) & mask;
      this.index[slot] = 0;
    }
  }

  /** Empties it for reuse: it need not grow again, and leaves no garbage. */
  clear(): void {
    this.index.fill(0);
    this.count = 0;
  }

  private enter(entry: number): void {
    const mask = this.index.length - 1;
    let slot = (this.low[entry] ?? 0) & mask;
    while (this.index[slot] !== 0) slot = (slot + 1) & mask;
    this.index[slot] = entry + 1;
  }

  private grow(): void {
    const { high, low, revision } = this;
    const capacity = high.length * 2;
    this.high = new Uint32Array(capacity);
    this.low = new Uint32Array(capacity);
    this.revision = new Float64Array(capacity);
    this.high.set(high);
    this.low.set(low);
    this.revision.set(revision);
    this.index = new Int32Array(capacity * 2);
    for (let entry = 0; entry < this.count; entry++) this.enter(entry);
  }
}
