import { expect, test } from "vitest";
import { flatness, type Windows } from "./flatness.ts";

/** A soak with this many windows, ten seconds apart, whose memory is a function of the window's number. */
function soak(count: number, rssBytes: (n: number) => number): Windows<"rssBytes" | "walBytes"> {
  return Array.from({ length: count }, (_, n) => ({ atSeconds: n * 10, rssBytes: rssBytes(n), walBytes: 0 }));
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
