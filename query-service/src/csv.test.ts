import { expect, test } from "vitest";
import { csvOf, prefersCsv } from "./csv.ts";

test.each([
  ["HKD", "HKD"],
  ["", ""],
  ["-1250", "-1250"],
  ["2026-11-27", "2026-11-27"],
  ["=HYPERLINK(1)", "'=HYPERLINK(1)"],
  ["+1-2", "'+1-2"],
  ["-1+1", "'-1+1"],
  ["@SUM(A1)", "'@SUM(A1)"],
  ["\t=1", "'\t=1"],
  ['a "b", c', '"a ""b"", c"'],
  ["=1,\r\n=2", '"\'=1,\r\n=2"'],
])("%j is written as %j", (cell, written) => {
  expect(csvOf(["a"], [[cell]])).toBe(`a\r\n${written}\r\n`);
});

test.each<[string | undefined, boolean]>([
  [undefined, false],
  ["", false],
  ["*/*", false],
  ["application/json", false],
  ["text/csv", true],
  ["Text/CSV; charset=utf-8", true],
  ["text/csv;q=0.9, application/json;q=0.8", true],
  ["text/csv;q=0.8, application/json", false],
  ["text/csv, application/json", false],
  ["text/csv;q=0", false],
  ["text/csv;q=nan", false],
  ["text/csv;q=9", false],
  ["text/csvx", false],
  [",;,;q=", false],
])("Accept: %s prefers CSV: %s", (accept, csv) => {
  expect(prefersCsv(accept)).toBe(csv);
});
