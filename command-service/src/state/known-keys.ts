import type { Revision } from "ledger-core";
import { KeyFilter } from "./key-filter.ts";
import type { KeyRuns } from "./key-runs.ts";
import { KeyTail } from "./key-tail.ts";
import { KeyHasher } from "./keys/key-hasher.ts";

const none: readonly Revision[] = [];

/** Every idempotency key that was ever used: a tail in memory, another one that is being written, and the runs on disk behind a filter. */
export class KnownKeys {
  private runs: KeyRuns;
  private readonly filter: KeyFilter;
  private tail = new KeyTail();
  private writing: KeyTail | undefined;
  /** The next tail: two of them take turns. */
  private spare = new KeyTail();
  private readonly hasher: KeyHasher;
  /** Where a look-up gathers; empty between two of them. */
  private readonly found: Revision[] = [];

  constructor(runs: KeyRuns, filterBytes: number, hashKey: Uint8Array) {
    this.hasher = new KeyHasher(hashKey);
    this.runs = runs;
    this.filter = new KeyFilter(filterBytes);
    runs.fill(this.filter);
  }

  /** How many the next flush has to write. */
  get tailSize(): number {
    return this.tail.size;
  }

  /** How many a flush under way, or one that failed, has to write. */
  get writingSize(): number {
    return this.writing?.size ?? 0;
  }

  /** The revisions at which an answering event of this key may stand: none for a key never seen, without a disk read. */
  find(tenant: string, sub: string, key: string): readonly Revision[] {
    this.hasher.hash(tenant, sub, key);
    const { high, low } = this.hasher;
    const { found } = this;
    this.tail.find(high, low, found);
    this.writing?.find(high, low, found);
    if (this.filter.mayContain(high, low)) this.runs.find(high, low, found);
    return found.length === 0 ? none : found.splice(0);
  }

  add(tenant: string, sub: string, key: string, revision: Revision): void {
    this.hasher.hash(tenant, sub, key);
    const { high, low } = this.hasher;
    this.tail.add(high, low, revision);
  }

  mark(): number {
    return this.tail.mark();
  }
  /** Takes back every key added since the mark. */
  rollbackTo(mark: number): void {
    this.tail.rollbackTo(mark);
  }

  /** From now on keys go to a new tail; `write` writes this one. */
  freeze(): void {
    this.writing = this.tail;
    this.tail = this.spare;
  }
  *write(): Generator<void> {
    if (this.writing) yield* this.runs.add(this.writing, this.filter);
  }
  /** What `write` wrote is committed. */
  settle(): void {
    if (!this.writing) return;
    this.writing.clear();
    this.spare = this.writing;
    this.writing = undefined;
  }

  /** What `write` was to write is part of the tail again. Called when nothing can be taken back. @param runs opened again */
  takeBack(runs: KeyRuns): void {
    const { writing, tail } = this;
    this.runs = runs;
    runs.fill(this.filter);
    if (!writing) return;
    for (let entry = 0; entry < tail.size; entry++) {
      writing.add(tail.high[entry] ?? 0, tail.low[entry] ?? 0, tail.revision[entry] ?? 0);
    }
    tail.clear();
    this.tail = writing;
    this.spare = tail;
    this.writing = undefined;
  }
}
