import { crc32 } from "node:zlib";
import { stateCorrupt } from "../state-faults.ts";

/** An entry: the halves of its hash, and its revision as the lower and upper 32 bits. */
export const ENTRY_WORDS = 4;
const ENTRY_BYTES = ENTRY_WORDS * 4;
const FORMAT = 1;
const MAGIC = 0x504c4b31;
const FOOTER_WORDS = 16;
const FOOTER_BYTES = FOOTER_WORDS * 4;
/** Seeds of the sections' checksums, above those of blocks. */
const FENCES_SECTION = 0xfffffff0;
const FOOTER_SECTION = 0xfffffff1;
const LAYERS_SECTION = 0xffffff00;

/** The layout of a part's file, fixed when it is written. */
export type PartShape = {
  /** Default 255, a block of 4 KiB; 1 to 65,535. */
  readonly entriesPerBlock: number;
  /** Layers of the filter, of half a byte per key each. Default 5; 1 to 8. */
  readonly layers: number;
};

/** A file with a part of a run. `seed` is random, so that a block of another file fails its checksum. */
export type PartFile = PartShape & { readonly file: number; readonly seed: number; readonly keys: number };

/** The index of a part in memory: the first `high` of each block, and its filter. */
export type PartIndex = {
  readonly fences: Uint32Array<ArrayBuffer>;
  readonly layers: readonly Uint32Array<ArrayBuffer>[];
};

/** Offsets in a file: blocks, fences, layers, footer. In native byte order, since files never leave their machine. */
type PartPlaces = {
  readonly blockBytes: number;
  readonly blocks: number;
  readonly fencesAt: number;
  readonly layersAt: number;
  readonly layerWords: number;
  readonly footerAt: number;
  readonly bytes: number;
};

export function placesOf({ keys, entriesPerBlock, layers }: Pick<PartFile, "keys" | keyof PartShape>): PartPlaces {
  const blockBytes = (entriesPerBlock + 1) * ENTRY_BYTES;
  const blocks = Math.ceil(keys / entriesPerBlock);
  const fencesAt = blocks * blockBytes;
  const layersAt = fencesAt + blocks * 4;
  const layerWords = layerWordsOf(keys);
  const footerAt = layersAt + layers * layerWords * 4;
  return { blockBytes, blocks, fencesAt, layersAt, layerWords, footerAt, bytes: footerAt + FOOTER_BYTES };
}

/** Four bits per key, in blocks of 16 words. */
export function layerWordsOf(keys: number): number {
  return 16 * Math.max(1, Math.ceil(keys / 128));
}

export function nameOf(file: number): string {
  return `${String(file).padStart(10, "0")}.keys`;
}

export function fileOf(name: string): number | undefined {
  return /^\d{10,}\.keys$/.test(name) ? Number.parseInt(name, 10) : undefined;
}

/** CRC-32 seeded with the file's seed and the place in it. Guards against accidents, not forgery. */
function checksum(bytes: Uint8Array, seed: number, place: number): number {
  return crc32(bytes, (seed ^ Math.imul(place, 0x9e3779b1)) >>> 0);
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/** Stores a block's checksum in its last word. */
export function sealBlock(block: Uint32Array, number: number, seed: number): void {
  block[block.length - 1] = checksum(bytesOf(block.subarray(0, -1)), seed, number);
}

/** @throws state_corrupt */
export function checkBlock(block: Uint32Array, number: number, part: PartFile): void {
  const sum = checksum(bytesOf(block.subarray(0, -1)), part.seed, number);
  if (block[block.length - 1] !== sum) throw damaged(part, `block ${number}`);
}

export function entriesIn({ keys, entriesPerBlock }: PartFile, block: number): number {
  return Math.min(entriesPerBlock, keys - block * entriesPerBlock);
}

/** The footer: counts, and the checksums of fences and layers. */
export function footerOf({ seed, keys, entriesPerBlock, layers }: PartFile, index: PartIndex): Uint32Array {
  const footer = new Uint32Array(FOOTER_WORDS);
  footer.set([MAGIC, FORMAT, keys, entriesPerBlock, layers, checksum(bytesOf(index.fences), seed, FENCES_SECTION)]);
  for (const [i, layer] of index.layers.entries()) footer[6 + i] = checksum(bytesOf(layer), seed, LAYERS_SECTION + i);
  footer[FOOTER_WORDS - 1] = checksum(bytesOf(footer.subarray(0, -1)), seed, FOOTER_SECTION);
  return footer;
}

/** @throws state_corrupt */
export function checkFooter(footer: Uint32Array, part: PartFile): void {
  const sum = checksum(bytesOf(footer.subarray(0, -1)), part.seed, FOOTER_SECTION);
  const [magic, format, keys, entriesPerBlock, layers] = footer;
  const fits = keys === part.keys && entriesPerBlock === part.entriesPerBlock && layers === part.layers;
  if (footer[FOOTER_WORDS - 1] !== sum || magic !== MAGIC || format !== FORMAT || !fits) throw damaged(part, "footer");
}

/** @throws state_corrupt */
export function checkFences(fences: Uint32Array, footer: Uint32Array, part: PartFile): void {
  if (checksum(bytesOf(fences), part.seed, FENCES_SECTION) !== footer[5]) throw damaged(part, "fences");
}

/** @throws state_corrupt */
export function checkLayer(layer: Uint32Array, number: number, footer: Uint32Array, part: PartFile): void {
  if (checksum(bytesOf(layer), part.seed, LAYERS_SECTION + number) !== footer[6 + number])
    throw damaged(part, `layer ${number} of the filter`);
}

function damaged(part: PartFile, where: string): Error {
  return stateCorrupt(`${nameOf(part.file)}: the ${where} does not match its checksum`);
}

/** Bytes as words; copied if they are not aligned. */
export function wordsOf(bytes: Uint8Array): Uint32Array {
  const from = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(from.buffer, from.byteOffset, from.byteLength / 4);
}
