import { addBits, bitsOf } from "./key-filter.ts";
import {
  ENTRY_WORDS,
  footerOf,
  layerWordsOf,
  type PartFile,
  type PartIndex,
  placesOf,
  sealBlock,
} from "./part-format.ts";

/** Builds the file of a part in memory, from its entries in the order of `high`. */
export class PartWriter {
  private readonly part: PartFile;
  private readonly partCount: number;
  private readonly base: number;
  private readonly words: Uint32Array;
  private readonly blockWords: number;
  private readonly index: { fences: Uint32Array<ArrayBuffer>; layers: Uint32Array<ArrayBuffer>[] };
  private readonly blockEnd: number;
  private at = 0;
  private blockStart = 0;
  private inBlock = 0;
  private block = 0;

  /** @param partCount parts of the run, each an equal share of all hashes @param nth the number of this part */
  constructor(part: PartFile, partCount: number, nth: number) {
    const places = placesOf(part);
    this.part = part;
    this.partCount = partCount;
    this.base = nth * 2 ** 32;
    this.words = new Uint32Array(places.bytes / 4);
    this.blockWords = places.blockBytes / 4;
    this.blockEnd = part.entriesPerBlock;
    const layerWords = layerWordsOf(part.keys);
    this.index = {
      fences: new Uint32Array(places.blocks),
      layers: Array.from({ length: part.layers }, () => new Uint32Array(layerWords)),
    };
  }

  append(high: number, low: number, lower: number, upper: number): void {
    const { words, index } = this;
    if (this.inBlock === 0) index.fences[this.block] = high;
    let at = this.at;
    words[at++] = high;
    words[at++] = low;
    words[at++] = lower;
    words[at++] = upper;
    this.at = at;
    const offset = high * this.partCount - this.base;
    for (let layer = 0; layer < index.layers.length; layer++) {
      const filter = index.layers[layer];
      if (filter) addBits(filter, offset, bitsOf(high, low, layer));
    }
    if (++this.inBlock === this.blockEnd) this.endBlock();
  }

  /** The bytes of the file and its index; called after the last key. */
  finish(): { readonly bytes: Uint8Array; readonly index: PartIndex } {
    if (this.inBlock > 0) this.endBlock();
    const { part, words, index } = this;
    const { fencesAt, layersAt, layerWords, footerAt } = placesOf(part);
    words.set(index.fences, fencesAt / 4);
    for (const [i, layer] of index.layers.entries()) words.set(layer, layersAt / 4 + i * layerWords);
    words.set(footerOf(part, index), footerAt / 4);
    return { bytes: new Uint8Array(words.buffer), index };
  }

  private endBlock(): void {
    const { blockStart, blockWords } = this;
    sealBlock(this.words.subarray(blockStart, blockStart + blockWords), this.block, this.part.seed);
    this.blockStart += blockWords;
    this.at = this.blockStart;
    this.inBlock = 0;
    this.block++;
  }
}

/** Appends the revisions under a hash in a block to `found`. */
export function findInBlock(block: Uint32Array, entries: number, high: number, low: number, found: number[]): void {
  for (let entry = lowerBound(block, ENTRY_WORDS, entries, high); entry < entries; entry++) {
    const at = entry * ENTRY_WORDS;
    if (block[at] !== high) return;
    if (block[at + 1] === low) found.push((block[at + 2] ?? 0) + (block[at + 3] ?? 0) * 2 ** 32);
  }
}

/** The first of `count` items, `stride` words apart, that is not below a value; `count` if all are. */
export function lowerBound(words: Uint32Array, stride: number, count: number, value: number): number {
  let from = 0;
  let to = count;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((words[middle * stride] ?? 0) < value) from = middle + 1;
    else to = middle;
  }
  return from;
}
