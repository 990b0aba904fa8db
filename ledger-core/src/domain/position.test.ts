import fc from "fast-check";
import { expect, it } from "vitest";
import { formatPosition, parsePosition, REVISION_MAX, SHARD_MAX } from "./position.ts";

it("a position comes back as it went out", () => {
  const position = fc.record({ shard: fc.nat({ max: SHARD_MAX }), revision: fc.nat({ max: REVISION_MAX }) });
  fc.assert(
    fc.property(position, (some) => {
      expect(parsePosition(formatPosition(some))).toEqual(some);
    }),
  );
  expect(formatPosition({ shard: 0, revision: 1234 })).toBe("0:1234");
});

it.each([
  "",
  ":",
  "0",
  "0:",
  ":1",
  "00:1",
  "0:01",
  "-1:0",
  "0:-1",
  "0:1:2",
  " 0:1",
  "0:1 ",
  "0:1\n",
  "1024:0",
  "0:1099511627776",
  "0:9999999999999999",
  "0x1:1",
  "0:1e3",
])("'%s' is no position", (text) => {
  expect(parsePosition(text)).toBeUndefined();
});

it("the limits of an id are positions", () => {
  expect(parsePosition("1023:1099511627775")).toEqual({ shard: SHARD_MAX, revision: REVISION_MAX });
});
