import { expect, test } from "vitest";
import { figure, met } from "./figure.ts";
import { judged, shorten, table } from "./report.ts";

const rate = figure("P1", "payments", {
  ...{ value: 31_234.5, unit: "payments/s", atLeast: 30_000, note: "checked" },
  beside: [{ name: "floor", value: 62_469 }],
});
const slow = figure("P3", "p50", { value: 0.5, unit: "ms", atMost: 0.25 });
const plain = figure("floor", "commit", { value: 0.1512, unit: "ms" });

test("a figure meets its target from the right side, and has none when none was given", () => {
  expect([rate, slow, plain].map(met)).toEqual([true, false, null]);
  expect(met(figure("P1", "x", { value: 1, unit: "", atLeast: 1 }))).toBe(true);
  expect(met(figure("P1", "x", { value: Number.NaN, unit: "", atMost: 1 }))).toBe(false);
});

test("the table lists target, ratio and note of each figure in aligned columns", () => {
  const lines = table([rate, slow, plain]).split("\n");
  expect(lines).toHaveLength(5);
  expect(lines[2]).toContain("31,235 payments/s");
  expect(lines[2]).toContain("≥ 30,000");
  expect(lines[2]).toContain("met");
  expect(lines[2]).toContain("0.5 × floor (62,469)");
  expect(lines[2]).toContain("checked");
  expect(lines[3]).toContain("missed");
  expect(lines[4]).not.toMatch(/met|missed/);
  const bars = lines.map((line) => line.search(/[ -]\|/));
  expect(new Set(bars).size).toBe(1);
});

test("the stored result says whether each target was met", () => {
  expect(judged([rate, slow, plain])).toMatchObject([{ id: "P1", met: true }, { met: false }, { met: null }]);
});

test.each([
  [0.1512, "0.151"],
  [12, "12"],
  [100, "100"],
  [120.04, "120"],
  [999.9, "1,000"],
  [1234.6, "1,235"],
  [-1234, "-1,234"],
  [2.5, "2.5"],
  [0, "0"],
])("%d is written %s", (value, text) => {
  expect(shorten(value)).toBe(text);
});
