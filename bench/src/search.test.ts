import { expect, test } from "vitest";
import { highestHeld } from "./search.ts";

/** Rates up to `limit` are held; records the tried rates. */
function server(limit: number) {
  const tried: number[] = [];
  const holds = async (rate: number) => {
    tried.push(rate);
    return rate <= limit;
  };
  return { tried, holds };
}

test.each([[5000], [8000], [9900], [10_000], [10_100], [13_000]])(
  "finds %d from 10,000 to within a tenth",
  async (limit) => {
    const { holds } = server(limit);
    const found = await highestHeld({ guess: 10_000, most: 30_000, probes: 8 }, holds);
    expect(found).toBeLessThanOrEqual(limit);
    expect(found).toBeGreaterThan(0.9 * limit);
  },
);

test("tries no rate above `most`, and none twice", async () => {
  const { tried, holds } = server(1e9);
  expect(await highestHeld({ guess: 10_000, most: 12_000, probes: 8 }, holds)).toBe(12_000);
  expect(tried).toEqual([10_000, 12_000]);
});

test("tries at most `probes` rates, and returns 0 if none was held", async () => {
  const { tried, holds } = server(10);
  expect(await highestHeld({ guess: 10_000, most: 20_000, probes: 3 }, holds)).toBe(0);
  expect(tried).toHaveLength(3);
});
