import type { KeyFilter } from "./key-filter.ts";
import { orderOf } from "./key-order.ts";
import { addEntries, ENTRY_WORDS, type KeyPages, PAGE_KEYS } from "./key-pages.ts";
import type { KeyRun } from "./key-run.ts";
import type { KeyTail } from "./key-tail.ts";

/** Takes so many entries in the order of `high` and writes page after page of a run; filters learn each page as it is written. */
export class KeyRunWriter {
  private readonly disk: KeyPages;
  private readonly keys: number;
  private readonly filters: readonly KeyFilter[];
  private readonly words = new Uint32Array(PAGE_KEYS * ENTRY_WORDS);
  private filled = 0;
  private readonly pages: Uint32Array;
  private readonly firsts: Uint32Array;
  private written = 0;

  constructor(disk: KeyPages, keys: number, filters: readonly KeyFilter[]) {
    this.disk = disk;
    this.keys = keys;
    this.filters = filters;
    this.pages = new Uint32Array(Math.ceil(keys / PAGE_KEYS));
    this.firsts = new Uint32Array(this.pages.length);
  }

  /** Takes the four words of an entry. @returns whether that filled a page, which was written */
  append(high: number, low: number, lower: number, upper: number): boolean {
    const at = this.filled * ENTRY_WORDS;
    const { words } = this;
    words[at] = high;
    words[at + 1] = low;
    words[at + 2] = lower;
    words[at + 3] = upper;
    if (++this.filled < PAGE_KEYS) return false;
    this.writePage();
    return true;
  }

  /** Writes what is left. */
  finish(): KeyRun {
    if (this.filled > 0) this.writePage();
    return { keys: this.keys, pages: this.pages, firsts: this.firsts };
  }

  private writePage(): void {
    this.firsts[this.written] = this.words[0] ?? 0;
    for (const filter of this.filters) addEntries(this.words, this.filled, filter);
    this.pages[this.written++] = this.disk.write(this.words, this.filled);
    this.filled = 0;
  }
}

/** Writes the keys of a tail in their order; yields after each page. */
export function* writeTail(writer: KeyRunWriter, tail: KeyTail): Generator<void, KeyRun> {
  const order = yield* orderOf(tail);
  for (let at = 0; at < order.length; at += PAGE_KEYS) {
    appendEntries(writer, tail, order, at);
    yield;
  }
  return writer.finish();
}

/** A page of entries: a function of its own, since a loop over keys inside a generator is not compiled as well. */
function appendEntries(writer: KeyRunWriter, tail: KeyTail, order: Uint32Array, from: number): void {
  const { high, low, revision } = tail;
  const to = Math.min(order.length, from + PAGE_KEYS);
  for (let i = from; i < to; i++) {
    const entry = order[i] ?? 0;
    const stands = revision[entry] ?? 0;
    writer.append(high[entry] ?? 0, low[entry] ?? 0, stands >>> 0, Math.floor(stands / 2 ** 32));
  }
}
