import fc from "fast-check";
import { expect, test } from "vitest";
import { idBody, idBytes, idFromBytes, makeId, parseId, readId } from "./ids.ts";

const grammar = /^[a-z]{3,5}_[0-7][0-9a-hjkmnp-tv-z]{25}$/;

/** Ids that are nearly right: one character another, one too many or too few, case or script changed. */
const nearly = fc
  .tuple(
    fc.nat({ max: 2 ** 40 - 1 }),
    fc.nat({ max: 29 }),
    fc.string({ unit: "grapheme", maxLength: 2 }),
    fc.nat({ max: 2 }),
  )
  .map(([revision, at, put, cut]) => {
    const id: string = makeId("pay", idBody(1_795_336_200_000_000, { shard: 1, revision }, 7));
    return id.slice(0, at) + put + id.slice(at + cut);
  });

test("a text is an id of the grammar, or none: nothing that is not of it gets through", () => {
  fc.assert(
    fc.property(fc.oneof(nearly, fc.string({ unit: "binary" }), fc.anything()), (text) => {
      const id = parseId("pay", text);
      expect(id === undefined || (id === text && grammar.test(id))).toBe(true);
    }),
    { numRuns: 5000 },
  );
});

/** Of a time that microseconds can be counted to exactly, until 2255. */
const sixteen = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => bytes.with(0, (bytes[0] ?? 0) % 8));

test("any 16 bytes as an id decode to a place and encode to the same bytes", () => {
  fc.assert(
    fc.property(sixteen, (bytes) => {
      const id = idFromBytes("evt", bytes);
      expect(parseId("evt", id)).toBe(id);
      expect(idBytes(id)).toEqual(bytes);
      const { timeMs, shard, revision, salt } = readId(id);
      for (const part of [timeMs, shard, revision, salt]) expect(Number.isSafeInteger(part) && part >= 0).toBe(true);
    }),
  );
});
