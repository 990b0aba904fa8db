import { expect, test } from "vitest";
import { KeyFilter } from "./key-filter.ts";
import { keyHash } from "./keys.fixture.ts";

test("the filter never denies a key that was added, and seldom claims one that was not", () => {
  const filter = new KeyFilter(2 ** 20);
  for (let n = 0; n < 100_000; n++) filter.add(keyHash(n).high, keyHash(n).low);
  let denied = 0;
  let claimed = 0;
  for (let n = 0; n < 100_000; n++) {
    const added = keyHash(n);
    const other = keyHash(1_000_000 + n);
    if (!filter.mayContain(added.high, added.low)) denied++;
    if (filter.mayContain(other.high, other.low)) claimed++;
  }
  expect(denied).toBe(0);
  expect(claimed).toBeLessThan(1000);
});

test("the filter knows the least and the greatest hash", () => {
  const filter = new KeyFilter(192);
  const ends = [0, 2 ** 32 - 1].flatMap((high) => [0, 2 ** 32 - 1].map((low) => ({ high, low })));
  for (const { high, low } of ends) {
    expect(filter.mayContain(high, low)).toBe(false);
    filter.add(high, low);
    expect(filter.mayContain(high, low)).toBe(true);
  }
});
