import { weakHash64 } from "ledger-core";

/**
 * Randomness from a seed. Each concern of a run draws from its own stream, so that switching a fault off does not
 * change the others.
 */
export type Random = {
  /** An integer from 0 up to but not including `bound`. */
  below(bound: number): number;
  /** An integer from `low` to `high`, both inclusive. */
  between(low: number, high: number): number;
  /** True with this probability, 0 to 1. */
  chance(probability: number): boolean;
  /** One of the items; there must be one. */
  pick<T>(items: readonly T[]): T;
  /** A new stream, determined only by this one's seed and the name, not by earlier draws. */
  stream(name: string): Random;
};

/** sfc32 (public domain), seeded with 96 bits of the text's hash and warmed up. */
export function randomFrom(seed: string): Random {
  const first = weakHash64(seed);
  let a = first.high | 0;
  let b = first.low | 0;
  let c = weakHash64(seed, 1).high | 0;
  let counter = 1;

  function next(): number {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  }
  for (let i = 0; i < 12; i++) next();

  const below = (bound: number) => Math.floor(next() * bound);
  return {
    below,
    between: (low, high) => low + below(high - low + 1),
    chance: (probability) => next() < probability,
    pick(items) {
      const item = items[below(items.length)];
      if (item === undefined) throw new RangeError("nothing to pick from");
      return item;
    },
    stream: (name) => randomFrom(`${seed}/${name}`),
  };
}
