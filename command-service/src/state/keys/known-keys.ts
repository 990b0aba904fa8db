import { randomInt } from "node:crypto";
import { LedgerError, type Revision } from "ledger-core";
import { KeyHasher } from "./key-hasher.ts";
import { decodeManifest, encodeManifest } from "./key-manifest.ts";
import type { Run } from "./key-run.ts";
import { KeyRuns, type KeyRunsOptions } from "./key-runs.ts";
import type { KeyStorage } from "./key-storage.ts";
import { KeyTail } from "./key-tail.ts";

const none: readonly Revision[] = [];

/** The state of a key's look-up. The disk is searched once, and again only after a flush has added keys to it. */
export type KeyPlace = {
  high: number;
  low: number;
  /** The disk content that was searched for `onDisk`; undefined if none was. */
  soughtIn: object | undefined;
  onDisk: readonly Revision[];
};

export function unknownPlace(): KeyPlace {
  return { high: 0, low: 0, soughtIn: undefined, onDisk: none };
}

type KnownKeysOptions = KeyRunsOptions & {
  readonly storage: KeyStorage;
  /** The secret for `KeyHasher`. */
  readonly hashKey: Uint8Array;
  /** The manifest of the last commit; null for a new store. */
  readonly manifest: string | null;
  /** A random integer from 0 up to but not including `below`. Default: unpredictable. */
  readonly random?: (below: number) => number;
};

/**
 * Every idempotency key ever used: a tail in memory, a tail being written, and runs on disk behind filters. Any method
 * may throw `state_corrupt`.
 */
export class KnownKeys {
  private readonly runs: KeyRuns;
  private readonly hasher: KeyHasher;
  private tail = new KeyTail();
  private writing: KeyTail | undefined;
  /** The next tail; two tails alternate. */
  private spare = new KeyTail();
  /** The written tail as a run, which joins the others with the commit. */
  private written: Run | undefined;
  /** Identifies the last `write`, which may end after its tail was returned. */
  private lastWrite = {};
  /** Identifies the keys on disk: replaced when a flush adds keys, not when runs are merged. */
  private content = {};
  /** Buffer of a look-up; empty between two of them. */
  private readonly found: Revision[] = [];

  /** @throws state_corrupt, state_unavailable */
  constructor({ storage, hashKey, manifest, random = randomInt, ...options }: KnownKeysOptions) {
    this.hasher = new KeyHasher(hashKey);
    const kept = manifest === null ? { next: 1, runs: [] } : decodeManifest(manifest);
    this.runs = new KeyRuns(storage, kept, options, random);
  }

  /** Keys for the next flush to write. */
  get tailSize(): number {
    return this.tail.size;
  }
  /** Keys of a flush that is under way or failed. */
  get writingSize(): number {
    return this.writing?.size ?? 0;
  }
  get onDisk(): KeyRuns {
    return this.runs;
  }

  /** Hashes a key, and checks the filters. @returns whether the disk must be read for it, with `load` */
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

  /** Reads the keys for which `seek` returned true. @throws state_corrupt, state_unavailable */
  async load(places: readonly KeyPlace[]): Promise<void> {
    const { content } = this;
    const wanted = places.map(({ high, low }) => ({ high, low, found: [] }));
    await this.runs.find(wanted);
    for (const [i, place] of places.entries()) {
      place.onDisk = wanted[i]?.found ?? none;
      place.soughtIn = content;
    }
  }

  /** The revisions of events that may answer a key; undefined if the disk must be read first. */
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
   * The revisions after `after` of events that may answer a sought key. Only for events that are not in the log yet,
   * which are all in the tail.
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
  /** Removes every key added since the mark. */
  rollbackTo(mark: number): void {
    this.tail.rollbackTo(mark);
  }

  /**
   * Starts a new tail, and writes the old one.
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

  /** The manifest for a commit, which must follow at once. */
  record(): string {
    return encodeManifest(this.runs.record(this.written));
  }

  /** The last `record` was committed. */
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
   * Returns the keys of the last `write` to the tail, even if it is still under way. Called when nothing can be rolled
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
