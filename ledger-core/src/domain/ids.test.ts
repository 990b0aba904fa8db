import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { entryId, idBody, idBytes, idFromBytes, makeId, parseId, readId, rebrand } from "./ids.ts";

/** The grammar that the API promises. */
const grammar = /^[a-z]{3,5}_[0-9a-hjkmnp-tv-z]{26}$/;

const parts = fc.record({
  ms: fc.nat({ max: 9_000_000_000_000 }),
  shard: fc.nat({ max: 1023 }),
  revision: fc.nat({ max: 2 ** 40 - 1 }),
  salt: fc.nat({ max: 2 ** 30 - 1 }),
});
type Parts = typeof parts extends fc.Arbitrary<infer T> ? T : never;

function bodyOf({ ms, shard, revision, salt }: Parts): string {
  return idBody(ms * 1000, { shard, revision }, salt);
}

describe("ids", () => {
  it("tell their time, shard, revision and salt, and follow the grammar", () => {
    fc.assert(
      fc.property(parts, (some) => {
        const id = makeId("pay", bodyOf(some));
        expect(id).toMatch(grammar);
        expect(parseId("pay", id)).toBe(id);
        const { ms, ...rest } = some;
        expect(readId(id)).toEqual({ timeMs: ms, ...rest });
      }),
    );
  });

  it("sort by time, then shard, then revision", () => {
    const order = ({ ms, shard, revision, salt }: Parts) => [ms, shard, revision, salt];
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const index = order(one).findIndex((value, i) => value !== order(other)[i]);
        const expected = index < 0 ? 0 : (order(one)[index] ?? 0) < (order(other)[index] ?? 0) ? -1 : 1;
        const [a, b] = [bodyOf(one), bodyOf(other)];
        expect(a < b ? -1 : a > b ? 1 : 0).toBe(expected);
      }),
    );
  });

  it("of one shard and millisecond sort by revision, in text and in bytes", () => {
    const ids = [0, 1, 31, 32, 1023, 1024, 1_048_576, 2 ** 40 - 1].map((revision) =>
      makeId("evt", idBody(1_795_336_200_000_999, { shard: 7, revision }, 42)),
    );
    expect(ids.toSorted()).toEqual(ids);
    const bytes = ids.map((id) => Buffer.from(idBytes(id)));
    expect(bytes.toSorted(Buffer.compare)).toEqual(bytes);
  });

  it("are 128 bits and come back from them", () => {
    fc.assert(
      fc.property(parts, (some) => {
        const id = makeId("evt", bodyOf(some));
        const bytes = idBytes(id);
        expect(bytes).toHaveLength(16);
        const shifted = new Uint8Array(20);
        shifted.set(bytes, 3);
        expect(idFromBytes("evt", bytes)).toBe(id);
        expect(idFromBytes("evt", shifted.subarray(3, 19))).toBe(id);
      }),
    );
  });

  it("of an object and of the event that made it share their characters", () => {
    const id = makeId("evt", idBody(1_795_336_200_000_000, { shard: 1, revision: 99 }, 3));
    expect(rebrand("pay", id)).toBe(`pay_${id.slice(4)}`);
    expect(rebrand("evt", rebrand("acct", id))).toBe(id);
  });

  it("of an entry are derived from place and index, and so always the same", () => {
    const position = { shard: 0, revision: 1234 };
    const ids = [0, 1, 2].map((index) => entryId(1_795_336_200_000_000, position, index));
    expect(new Set(ids).size).toBe(3);
    expect(ids.toSorted()).toEqual(ids);
    expect(readId(ids[2] ?? "")).toMatchObject({ shard: 0, revision: 1234, salt: 2 });
  });
});

describe("ids from outside", () => {
  const good = makeId("pay", idBody(1_795_336_200_000_000, { shard: 0, revision: 7 }, 5));

  it.each([
    ["another prefix", good.replace("pay", "rfd")],
    ["no prefix", good.slice(4)],
    ["upper case", good.toUpperCase()],
    ["a letter outside the alphabet", `${good.slice(0, -1)}u`],
    ["more than 128 bits", `pay_8${good.slice(5)}`],
    ["one character less", good.slice(0, -1)],
    ["one character more", `${good}0`],
    ["a line break", `${good.slice(0, -1)}\n`],
    ["an injection", "' OR 1=1--"],
    ["nothing", ""],
    ["a number", 7],
    ["null", null],
  ])("are none with %s", (_name, text) => {
    expect(parseId("pay", text)).toBeUndefined();
  });

  it("are themselves when they are well formed", () => {
    expect(parseId("pay", good)).toBe(good);
    expect(parseId("acct", rebrand("acct", good))).toBe(`acct_${good.slice(4)}`);
  });
});
