import { expect, test } from "vitest";
import { timeSpanMs } from "./faults.ts";

test.each([
  ["00:00:09.0530000", 9053],
  ["00:00:00.0001000", 1],
  ["00:01:00", 60_000],
  ["1.02:03:04.5", 93_784_500],
])("the TimeSpan %s is %d ms", (text, ms) => expect(timeSpanMs(text)).toBe(ms));

test.each([undefined, null, 12, "", "soon", "00:00", "00:00:00.00000000", "-00:00:01"])("%o is no TimeSpan", (text) =>
  expect(timeSpanMs(text)).toBeUndefined(),
);
