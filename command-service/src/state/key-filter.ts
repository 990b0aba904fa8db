const WORDS_PER_BLOCK = 16;

/**
 * A blocked Bloom filter over hashes of keys: six bits in one block of 64 bytes, so one cache miss a look-up. A wrong "may contain" costs
 * a disk read, never a wrong decision: 1 key in 10,000 at 27 bits a key, 1 in 40 at 8.
 *
 * The block follows the order of `high`, as pages on disk do: filled from them, memory is swept instead of hit at random.
 */
export class KeyFilter {
  private readonly words: Uint32Array;
  private readonly blocksPerHash: number;

  /** @param bytes a multiple of 64 */
  constructor(bytes: number) {
    // Written to at once: else the system hands the memory out piece by piece, while commands wait.
    this.words = new Uint32Array(bytes / 4).fill(0);
    this.blocksPerHash = bytes / 64 / 2 ** 32;
  }

  add(high: number, low: number): void {
    const { words } = this;
    const base = Math.floor(high * this.blocksPerHash) * WORDS_PER_BLOCK;
    let bits = low;
    for (let i = 0; i < 6; i++) {
      const word = base + ((bits >>> 5) & 15);
      words[word] = (words[word] ?? 0) | (1 << (bits & 31));
      bits = i === 2 ? remix(low) : bits >>> 9;
    }
  }

  mayContain(high: number, low: number): boolean {
    const { words } = this;
    const base = Math.floor(high * this.blocksPerHash) * WORDS_PER_BLOCK;
    let bits = low;
    for (let i = 0; i < 6; i++) {
      if (((words[base + ((bits >>> 5) & 15)] ?? 0) & (1 << (bits & 31))) === 0) return false;
      bits = i === 2 ? remix(low) : bits >>> 9;
    }
    return true;
  }
}

/** The bits of the second three: the 32 of `low` give three times nine. */
function remix(low: number): number {
  return Math.imul(low ^ 0x5bd1e995, 0x9e3779b1) >>> 0;
}
