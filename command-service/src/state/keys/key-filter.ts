/**
 * Filters come in layers. Each layer is a blocked Bloom filter with four bits and three probes per key, one cache miss
 * per look-up, that passes one key in six or seven. Layers are independent, so that memory is spent where it saves most
 * and given back as keys grow, without rewriting a filter. Blocks follow the order of `high`, as entries do, so that a
 * filter is built in one sweep over memory.
 */
const BLOCK_WORDS = 16;

/** The share of absent keys that one layer passes. */
export const LAYER_PASSES = 0.155;

/** The three bits of a key in its block of a layer, nine binary digits each. */
export function bitsOf(high: number, low: number, layer: number): number {
  let mixed = Math.imul(low ^ Math.imul(layer + 1, 0x85ebca6b), 0x9e3779b1) + high;
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39);
  return mixed ^ (mixed >>> 15);
}

/** @param offset where a hash lies in the range of its part, of 2^32 */
function blockOf(words: Uint32Array, offset: number): number {
  return Math.floor((offset * (words.length / BLOCK_WORDS)) / 2 ** 32) * BLOCK_WORDS;
}

export function addBits(words: Uint32Array, offset: number, bits: number): void {
  const at = blockOf(words, offset);
  const [a, b, c] = [at + ((bits >>> 5) & 15), at + ((bits >>> 14) & 15), at + ((bits >>> 23) & 15)];
  words[a] = (words[a] ?? 0) | (1 << (bits & 31));
  words[b] = (words[b] ?? 0) | (1 << ((bits >>> 9) & 31));
  words[c] = (words[c] ?? 0) | (1 << ((bits >>> 18) & 31));
}

export function hasBits(words: Uint32Array, offset: number, bits: number): boolean {
  const at = blockOf(words, offset);
  return (
    ((words[at + ((bits >>> 5) & 15)] ?? 0) & (1 << (bits & 31))) !== 0 &&
    ((words[at + ((bits >>> 14) & 15)] ?? 0) & (1 << ((bits >>> 9) & 31))) !== 0 &&
    ((words[at + ((bits >>> 23) & 15)] ?? 0) & (1 << ((bits >>> 18) & 31))) !== 0
  );
}
