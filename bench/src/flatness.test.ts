import { expect, test } from "vitest";
import { flatness, type Sample, sizesOf } from "./flatness.ts";

/** A soak with this many samples, ten seconds apart, whose memory is a function of the sample's number. */
function soak(count: number, rssBytes: (n: number) => number): Sample[] {
  const stalls = { loopMs: 5, gcMs: 2, appendMs: 3, diskReadBytes: 0 };
  const still = {
    ...stalls,
    perSecond: 100,
    p50Ms: 1,
    p99Ms: 2,
    cpuUs: 50,
    stolen: 0,
    logBytes: 1,
    stateBytes: 1,
    walBytes: 0,
  };
  return Array.from({ length: count }, (_, n) => ({ ...still, atSeconds: n * 10, rssBytes: rssBytes(n) }));
}

test("a series that varies around one value is flat", () => {
  const { verdict, drift } = flatness(
    "rssBytes",
    soak(60, (n) => 1000 + (n % 2 === 0 ? 50 : -50)),
  );
  expect(verdict).toBe("flat");
  expect(Math.abs(drift)).toBeLessThan(0.02);
});

test("a series that grows only in the first half is flat", () => {
  expect(
    flatness(
      "rssBytes",
      soak(60, (n) => Math.min(n, 20) * 100),
    ).verdict,
  ).toBe("flat");
});

test("a series that rises or falls through the second half is not flat, and the drift says by how much", () => {
  const rising = flatness(
    "rssBytes",
    soak(61, (n) => 1000 + 10 * n),
  );
  expect(rising.verdict).toBe("rises");
  expect(rising.drift).toBeCloseTo(300 / 1450, 5);
  expect(
    flatness(
      "rssBytes",
      soak(61, (n) => 10_000 - 100 * n),
    ).verdict,
  ).toBe("falls");
});

test("too few samples get no verdict, and a series of zeros is flat", () => {
  expect(
    flatness(
      "rssBytes",
      soak(4, () => 1),
    ).verdict,
  ).toBe("too few samples");
  expect(
    flatness(
      "walBytes",
      soak(60, () => 1),
    ),
  ).toMatchObject({ verdict: "flat", drift: 0 });
});

test("files are counted by kind", () => {
  const files = { "events.sqlite": 100, "events.sqlite-wal": 10, "state.sqlite": 20, "state.sqlite-wal": 3 };
  expect(sizesOf(files)).toEqual({ logBytes: 100, stateBytes: 20, walBytes: 13 });
});
