import { systemRuntime } from "ledger-core/process";
import { describe, expect, test } from "vitest";
import { queryLimits } from "./limits.ts";
import { reached, readFreshness } from "./positions.ts";

const read = (headers: Record<string, string>) =>
  readFreshness(headers, { shards: 2, runtime: systemRuntime, limits: queryLimits });

describe("Ledger-Position", () => {
  test("none, one, several, with spaces or without", () => {
    expect(read({}).required).toEqual([]);
    expect(read({ "ledger-position": "0:1234" }).required).toEqual([{ shard: 0, revision: 1234 }]);
    expect(read({ "ledger-position": "0:1, 1:2,0:3" }).required).toEqual([
      { shard: 0, revision: 1 },
      { shard: 1, revision: 2 },
      { shard: 0, revision: 3 },
    ]);
  });

  test.each([
    "",
    ",",
    "0:1,",
    "0",
    "0:",
    ":1",
    "a:1",
    "0:-1",
    "00:1",
    "0:01",
    "0:1;1:2",
    "0:1.5",
    "0:1e3",
    "2:0",
    "1024:0",
    "0:99999999999999",
  ])("%j is refused", (header) => {
    expect(() => read({ "ledger-position": header })).toThrow(expect.objectContaining({ code: "invalid_header" }));
  });
});

describe("Ledger-Wait", () => {
  test.each([
    [undefined, 1000],
    ["0", 0],
    ["10000", 10_000],
  ])("%s is %i ms", (header, ms) => {
    const { deadlineMs } = read(header === undefined ? {} : { "ledger-wait": header });
    const leftMs = deadlineMs - performance.now();
    expect(leftMs).toBeLessThanOrEqual(ms);
    expect(leftMs).toBeGreaterThan(ms - 500);
  });

  test.each(["10001", "99999", "-1", "1.5", "1e3", "", " ", "0x10", "1 ms", "5, 5"])("%j is refused", (header) => {
    expect(() => read({ "ledger-wait": header })).toThrow(expect.objectContaining({ code: "invalid_header" }));
  });
});

describe("reached", () => {
  const served = [
    { shard: 0, revision: 5 },
    { shard: 1, revision: 9 },
  ];
  test.each([
    [[], true],
    [[{ shard: 0, revision: 5 }], true],
    [[{ shard: 0, revision: 6 }], false],
    [
      [
        { shard: 0, revision: 5 },
        { shard: 1, revision: 10 },
      ],
      false,
    ],
    [[{ shard: 2, revision: 0 }], false],
  ])("%j: %s", (required, expected) => {
    expect(reached(served, required)).toBe(expected);
  });

  test("nothing projected has reached nothing", () => {
    expect(reached([], [])).toBe(false);
  });
});
