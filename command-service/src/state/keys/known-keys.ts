import { randomInt } from "node:crypto";
import { LedgerError, type Revision } from "ledger-core";
import { KeyHasher } from "./key-hasher.ts";
import { decodeManifest, encodeManifest } from "./key-manifest.ts";
import type { Run } from "./key-run.ts";
import { KeyRuns, type KeyRunsOptions } from "./key-runs.ts";
import type { KeyStorage } from "./key-storage.ts";
import { KeyTail } from "./key-tail.ts";

const none: readonly Revision[] = [];

/**
 * What is known of a key that is looked for. Its place on disk is sought once, and again only when keys came to the
 * disk since.
 */
export type KeyPlace = {
  high: number;
  low: number;
  /** The content of the disk that `onDisk` was found in; undefined: the key was never sought. */
  soughtIn: object | undefined;
  onDisk: readonly Revision[];
};

export function unknownPlace(): KeyPlace {
  return { high: 0, low: 0, soughtIn: undefined, onDisk: none };
}

type KnownKeysOptions = KeyRunsOptions & {
  readonly storage: KeyStorage;
  /** What keys are hashed under; see `KeyHasher`. */
  readonly hashKey: Uint8Array;
  /** What the last commit kept; null for a store that is new. */
  readonly manifest: string | null;
  /** An integer from 0 up to and without `below`. Default: unpredictable. */
  readonly random?: (below: number) => number;
};

/**
 * Every idempotency key that was ever used: a tail in memory, another one that is being written, and runs on disk
 * behind filters. Any method may throw `state_corrupt`.
 */
export class KnownKeys {
  private readonly runs: KeyRuns;
  private readonly hasher: KeyHasher;
  private tail = new KeyTail();
  private writing: KeyTail | undefined;
  /** The next tail: two of them take turns. */
  private spare = new KeyTail();
  /** The tail as a run, which becomes one of the others with the commit. */
  private written: Run | undefined;
  /** Stands for the last `write`: it may end after its tail was taken back. */
  private lastWrite = {};
  /** Stands for what is on disk: another one when keys have come to it, whatever is merged. */
  private content = {};
  /** Where a look-up gathers; empty between two of them. */
  private readonly found: Revision[] = [];

  /** @throws state_corrupt, state_unavailable */
  constructor({ storage, hashKey, manifest, random = randomInt, ...options }: KnownKeysOptions) {
    this.hasher = new KeyHasher(hashKey);
    const kept = manifest === null ? { next: 1, runs: [] } : decodeManifest(manifest);
    this.runs = new KeyRuns(storage, kept, options, random);
  }

  /** How many the next flush has to write. */
  get tailSize(): number {
    return this.tail.size;
  }
  /** How many a flush under way, or one that failed, has to write. */
  get writingSize(): number {
    return this.writing?.size ?? 0;
  }
  get onDisk(): KeyRuns {
    return this.runs;
  }

  /** Hashes a key and looks whether it may be on disk. @returns whether the disk has to be read for it: see `load` */
  seek(place: KeyPlace, tenant: string, sub: string, key: string): boolean {
    const { content, hasher } = this;
    if (place.soughtIn === content) return false;
    if (place.soughtIn === undefined) {
      hasher.hash(tenant, sub, key);
      place.high = hasher.high;
      place.low = hasher.low;
    }
    if (this.runs.mayHold(place.high, place.low)) return true;
    place.onDisk = none;
    place.soughtIn = content;
    return false;
  }

  /** Reads what `seek` could not tell, all of it at once. @throws state_corrupt, state_unavailable */
  async load(places: readonly KeyPlace[]): Promise<void> {
    const { content } = this;
    const wanted = places.map(({ high, low }) => ({ high, low, found: [] }));
    await this.runs.find(wanted);
    for (const [i, place] of places.entries()) {
      place.onDisk = wanted[i]?.found ?? none;
      place.soughtIn = content;
    }
  }

  /** The revisions at which an answering event of a key may be; undefined when the disk has to be read for it first. */
  find(place: KeyPlace, tenant: string, sub: string, key: string): readonly Revision[] | undefined {
    const { fault } = this.runs;
    if (fault) throw new LedgerError(fault.code, fault.message, { cause: fault });
    if (this.seek(place, tenant, sub, key)) return undefined;
    const { high, low } = place;
    const { found } = this;
    this.tail.find(high, low, found);
    this.writing?.find(high, low, found);
    if (found.length === 0) return place.onDisk;
    for (const revision of place.onDisk) found.push(revision);
    return found.splice(0);
  }

  /**
   * The revisions after `after` at which an answering event of a key may be, of a key that was sought. Only of events
   * that are not in the log yet: no flush has taken them from the tail.
   */
  findSince(after: Revision, place: KeyPlace, tenant: string, sub: string, key: string): readonly Revision[] {
    const { high, low } = place;
    this.hasher.recall(tenant, sub, key, high, low);
    const { found } = this;
    this.tail.find(high, low, found);
    return found.length === 0 ? none : found.splice(0).filter((revision) => revision > after);
  }

  add(tenant: string, sub: string, key: string, revision: Revision): void {
    const { hasher } = this;
    hasher.hash(tenant, sub, key);
    this.tail.add(hasher.high, hasher.low, revision);
  }

  mark(): number {
    return this.tail.mark();
  }
  /** Takes back every key added since the mark. */
  rollbackTo(mark: number): void {
    this.tail.rollbackTo(mark);
  }

  /**
   * From now on keys go to a new tail, and this one is written.
   * @returns settles when it is.
   * @throws state_corrupt, state_unavailable
   */
  async write(): Promise<void> {
    this.writing = this.tail;
    this.tail = this.spare;
    const { high, low, revision, size } = this.writing;
    const thisWrite = {};
    this.lastWrite = thisWrite;
    if (size === 0) return;
    const columns = { high: high.slice(0, size), low: low.slice(0, size), revision: revision.slice(0, size) };
    const run = await this.runs.write(columns);
    if (this.lastWrite === thisWrite) this.written = run;
    else this.runs.drop(run);
  }

  /** What a commit keeps of the keys; it has to be called right before. */
  record(): string {
    return encodeManifest(this.runs.record(this.written));
  }

  /** What `record` gave is committed. */
  settle(): void {
    this.runs.committed(this.written);
    if (this.written) this.content = {};
    this.written = undefined;
    if (!this.writing) return;
    this.writing.clear();
    this.spare = this.writing;
    this.writing = undefined;
  }

  /**
   * What `write` wrote, or could not, or is still writing, is part of the tail again. Called when nothing can be taken
   * back.
   */
  takeBack(): void {
    const { writing, tail } = this;
    this.lastWrite = {};
    if (this.written) this.runs.drop(this.written);
    this.written = undefined;
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
