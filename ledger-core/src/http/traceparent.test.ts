import { expect, test } from "vitest";
import { parseTraceparent } from "./traceparent.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";

test.each([
  ["sampled", `00-${traceId}-${spanId}-01`, true],
  ["not sampled", `00-${traceId}-${spanId}-00`, false],
  ["other flags", `00-${traceId}-${spanId}-03`, true],
  ["a later version with more fields", `cc-${traceId}-${spanId}-01-what-comes`, true],
])("%s", (_, header, sampled) => {
  expect(parseTraceparent(header)).toEqual({ traceId, spanId, sampled });
});

test.each([
  ["absent", undefined],
  ["empty", ""],
  ["version ff", `ff-${traceId}-${spanId}-01`],
  ["version 00 with more fields", `00-${traceId}-${spanId}-01-x`],
  ["upper case", `00-${traceId.toUpperCase()}-${spanId}-01`],
  ["no trace", `00-${"0".repeat(32)}-${spanId}-01`],
  ["no span", `00-${traceId}-${"0".repeat(16)}-01`],
  ["repeated", `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`],
  ["a line break", `00-${traceId}-${spanId}-01\n`],
  ["too long", `cc-${traceId}-${spanId}-01-${"x".repeat(16_000)}`],
])("ignored: %s", (_, header) => {
  expect(parseTraceparent(header)).toBeUndefined();
});
