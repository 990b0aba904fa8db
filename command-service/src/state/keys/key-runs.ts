import { isLedgerError, type LedgerError } from "ledger-core";
import { stateCorrupt } from "../state-faults.ts";
import { planFilters } from "./filter-plan.ts";
import { bitsOf } from "./key-filter.ts";
import type { KeyManifest } from "./key-manifest.ts";
import { leastUnderWay, type MergeRules, runsToMerge } from "./key-merges.ts";
import { HASHES_END, openRun, type Part, partThatMayHold, type Run, recordOf } from "./key-run.ts";
import type { KeyStorage } from "./key-storage.ts";
import { assertThere, type KeyColumns, type NewPart, partStart, type WrittenPart } from "./key-work.ts";
import type { PartShape } from "./part-format.ts";
import { findInPart, readIndex } from "./part-reader.ts";

export type KeyRunsOptions = Partial<PartShape & MergeRules> & {
  /** Memory for filters, besides 16 bytes per 1,000 keys on disk. Default 256 MiB; from 0. */
  readonly filterBytes?: number;
  /** Approximate keys per file, which is what a step of a merge writes. Default 1,048,576; from 1. */
  readonly partKeys?: number;
  /** Steps of merges between two commits, until which replaced files stay on disk. Default 16; from 1. */
  readonly stepsPerCommit?: number;
  /** The most runs before new ones wait for merges. Default 32; from 2. */
  readonly runsMax?: number;
  /** Concurrent look-ups of keys on disk. Default 64; from 1. */
  readonly readsAtOnce?: number;
};

/** A hash to look up, and the revisions found under it. */
type KeyWanted = { readonly high: number; readonly low: number; readonly found: number[] };

/**
 * The keys on disk: immutable sorted runs, each in its own files, merged on another thread. Everything read is checked;
 * the absence of a key follows from a checked filter, or from the one block that would hold it.
 */
export class KeyRuns {
  private readonly storage: KeyStorage;
  private readonly on: Required<KeyRunsOptions>;
  /** A random integer from 0 up to but not including `below`. */
  private readonly random: (below: number) => number;
  private runs: Run[];
  private next: number;
  /** Files that the next commit no longer needs, and files that no commit names any more. */
  private replaced: number[] = [];
  private unnamed: number[] = [];
  private reading = 0;
  private stepsLeft: number;
  private merging: Promise<void> | undefined;
  private indexing: Promise<void> | undefined;
  private failure: LedgerError | undefined;

  /** @throws state_corrupt if a file is missing or has another size · state_unavailable */
  constructor(
    storage: KeyStorage,
    { next, runs }: Pick<KeyManifest, "next" | "runs">,
    options: KeyRunsOptions,
    random: (below: number) => number,
  ) {
    const { filterBytes = 256 * 2 ** 20, partKeys = 2 ** 20, stepsPerCommit = 16, runsMax = 32 } = options;
    const { entriesPerBlock = 255, layers = 5, mergeWidth = 3, lastRatio = 6, readsAtOnce = 64 } = options;
    this.storage = storage;
    this.on = {
      filterBytes,
      partKeys,
      stepsPerCommit,
      runsMax,
      entriesPerBlock,
      layers,
      mergeWidth,
      lastRatio,
      readsAtOnce,
    };
    this.random = random;
    this.next = next;
    this.runs = runs.map(openRun);
    this.stepsLeft = stepsPerCommit;
    const there = new Map(storage.list().map(({ file, bytes }) => [file, bytes]));
    const named = runs.flatMap(({ parts }) => parts.filter((part) => part !== null));
    assertThere(named, there);
    for (const { file } of named) there.delete(file);
    this.unnamed = [...there.keys()];
    // A removal may be retried when new files exist, so no new file takes the number of one to be removed.
    for (const file of this.unnamed) this.next = Math.max(this.next, file + 1);
    this.removeUnnamed();
    this.keepFilters();
  }

  /** Damage found by other threads; nothing may be decided any more. */
  get fault(): LedgerError | undefined {
    return this.failure;
  }
  get count(): number {
    return this.runs.reduce((sum, { keys, into }) => sum + (into === null ? keys : 0), 0);
  }
  get runCount(): number {
    return this.runs.length;
  }
  get filterBytes(): number {
    const layers = this.runs.flatMap(({ parts }) => parts.flatMap((part) => part?.layers ?? []));
    return layers.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Whether a hash may be on disk; false for nearly all absent ones, without a read. */
  mayHold(high: number, low: number): boolean {
    const bits = bitsOf(high, low, 0);
    for (const run of this.runs) if (partThatMayHold(run, high, low, bits)) return true;
    return false;
  }

  /** Finds the revisions under hashes. @throws state_corrupt, state_unavailable */
  async find(wanted: readonly KeyWanted[]): Promise<void> {
    // Choose the parts now: a merge that ends meanwhile moves keys, but removes no file.
    const reads = wanted.flatMap((key) => this.partsThatMayHold(key).map((part) => ({ key, part })));
    this.reading++;
    let at = 0;
    const reader = async () => {
      for (let read = reads[at++]; read; read = reads[at++]) {
        await findInPart(this.storage, read.part, read.key.high, read.key.low, read.key.found);
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.min(this.on.readsAtOnce, reads.length) }, reader));
    } catch (error) {
      throw this.failed(error);
    } finally {
      this.reading--;
      this.removeUnnamed();
    }
  }

  private partsThatMayHold({ high, low }: KeyWanted): Part[] {
    const bits = bitsOf(high, low, 0);
    return this.runs.map((run) => partThatMayHold(run, high, low, bits)).filter((part) => part !== undefined);
  }

  /** Writes keys as a run, which is not searched until `committed` adds it. @throws state_corrupt, state_unavailable */
  async write(columns: KeyColumns): Promise<Run> {
    while (this.merging && this.runs.length > this.on.runsMax) await this.merging;
    if (this.failure) throw this.failure;
    const keys = columns.high.length;
    const partCount = Math.ceil(keys / this.on.partKeys);
    const parts = Array.from({ length: partCount }, (_, nth) => this.newPart(nth));
    const run: Run = { id: this.next++, keys, partCount, from: 0, to: HASHES_END, into: null, parts: [] };
    try {
      for (const written of await this.storage.run({ kind: "write", columns, parts })) run.parts.push(held(written));
    } catch (error) {
      throw this.failed(error);
    }
    return run;
  }

  /** The manifest for a commit. `added`: a run that joins the others with that commit. */
  record(added: Run | undefined): Pick<KeyManifest, "next" | "runs"> {
    return { next: this.next, runs: (added ? [...this.runs, added] : this.runs).map(recordOf) };
  }

  /** The commit of the last `record` is done. */
  committed(added: Run | undefined): void {
    if (added) this.runs = [...this.runs, added];
    this.unnamed.push(...this.replaced.splice(0));
    this.stepsLeft = this.on.stepsPerCommit;
    this.removeUnnamed();
    this.keepFilters();
    this.merge();
  }

  /** Drops a run that will not be committed. */
  drop(run: Run): void {
    this.unnamed.push(...run.parts.flatMap((part) => part?.part.file ?? []));
    this.removeUnnamed();
  }

  /** Resolves when no merge is due before the next commit, and all filters that fit are loaded. */
  async settled(): Promise<void> {
    while (this.merging || this.indexing) await (this.merging ?? this.indexing);
  }

  private newPart(nth: number): NewPart {
    const { entriesPerBlock, layers } = this.on;
    return { file: this.next++, seed: this.random(2 ** 32), nth, entriesPerBlock, layers };
  }

  private failed(error: unknown): unknown {
    if (isLedgerError(error, "state_corrupt")) this.failure ??= error;
    return error;
  }

  private removeUnnamed(): void {
    if (this.unnamed.length === 0 || this.reading > 0) return;
    const files = this.unnamed.splice(0);
    // A failed removal is retried with the next one, or when the files are opened again.
    this.storage.run({ kind: "remove", files }).catch(() => this.unnamed.push(...files));
  }

  private merge(): void {
    if (this.merging) return;
    this.merging = this.mergeOn().finally(() => {
      this.merging = undefined;
    });
  }

  /** Runs merge steps while some are due; a tail can be written between two of them. */
  private async mergeOn(): Promise<void> {
    try {
      while (!this.failure && (this.stepsLeft > 0 || this.runs.length > this.on.runsMax)) {
        this.stepsLeft--;
        const least = leastUnderWay(this.runs);
        const due = runsToMerge(this.runs, this.on);
        const dueKeys = due?.reduce((sum, { keys }) => sum + keys, 0) ?? Number.POSITIVE_INFINITY;
        if (due && (!least || dueKeys < least.keys)) await this.step(this.begin(due, dueKeys));
        else if (least) await this.step(least);
        else return;
      }
    } catch (error) {
      // The disk is full or fails: keep what was merged so far, and retry at the next commit.
      if (!isLedgerError(this.failed(error))) throw error;
    }
  }

  private begin(inputs: readonly Run[], keys: number): Run {
    const partCount = Math.ceil(keys / this.on.partKeys);
    const run: Run = { id: this.next++, keys, partCount, from: 0, to: 0, into: null, parts: [] };
    for (const input of inputs) input.into = run.id;
    this.runs = [...this.runs, run];
    return run;
  }

  /** Writes the next part of a merge, which then answers for its share of all hashes. */
  private async step(run: Run): Promise<void> {
    const nth = run.parts.length;
    const [from, to] = [partStart(nth, run.partCount), partStart(nth + 1, run.partCount)];
    const inputs = this.runs.filter(({ into }) => into === run.id);
    const files = inputs.map((input) => partsBetween(input, from, to).map(({ part }) => part));
    const part = this.newPart(nth);
    const [written] = await this.storage.run({ kind: "merge", inputs: files, part, partCount: run.partCount });
    if (!written) throw stateCorrupt("a merge wrote no part");
    run.parts.push(held(written));
    run.to = to;
    for (const input of inputs) this.answerFrom(input, to);
    if (to === HASHES_END) this.runs = this.runs.filter(({ into }) => into !== run.id);
    this.keepFilters();
  }

  private answerFrom(run: Run, from: number): void {
    run.from = from;
    for (let nth = 0; nth < run.parts.length && partStart(nth + 1, run.partCount) <= from; nth++) {
      const part = run.parts[nth];
      if (part) this.replaced.push(part.part.file);
      run.parts[nth] = null;
    }
  }

  /** Drops filters that no longer fit, and reads those that now fit, in the background. */
  private keepFilters(): void {
    planFilters(this.runs, this.on.filterBytes);
    for (const { parts } of this.runs) {
      for (const part of parts)
        if (part && part.layers.length > part.wanted) part.layers = part.layers.slice(0, part.wanted);
    }
    this.indexing ??= this.readIndexes().finally(() => {
      this.indexing = undefined;
    });
  }

  private async readIndexes(): Promise<void> {
    for (let part = this.unread(); part && !this.failure; part = this.unread()) {
      this.reading++;
      try {
        await readIndex(this.storage, part);
      } catch (error) {
        if (!isLedgerError(this.failed(error))) throw error;
        // Without its filter, a part may hold any key, which is then looked up in its block.
        if (!this.failure) return;
      } finally {
        this.reading--;
        this.removeUnnamed();
      }
    }
  }

  /** A part whose index is not complete, in the smallest run. */
  private unread(): Part | undefined {
    let [least, keys]: [Part | undefined, number] = [undefined, Number.POSITIVE_INFINITY];
    for (const run of this.runs) {
      if (run.keys >= keys) continue;
      const part = run.parts.find((one) => one && (!one.fences || one.layers.length < one.wanted));
      if (part) [least, keys] = [part, run.keys];
    }
    return least;
  }
}

function partsBetween({ parts, partCount }: Run, from: number, to: number): Part[] {
  return parts.filter((part, nth): part is Part => {
    return part !== null && partStart(nth, partCount) < to && partStart(nth + 1, partCount) > from;
  });
}

function held({ part, index }: WrittenPart): Part | null {
  if (part.keys === 0) return null;
  return { part, fences: index.fences, layers: index.layers, wanted: index.layers.length };
}
