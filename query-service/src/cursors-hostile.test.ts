import fc from "fast-check";
import { expect, test } from "vitest";
import { type CursorScope, openCursor, sealCursor } from "./cursors.ts";

const key = new Uint8Array(32).fill(3);
const text = fc.string({ unit: "binary", maxLength: 20 });
const scope: fc.Arbitrary<CursorScope> = fc.record({
  path: text,
  filters: fc.dictionary(text, text, { maxKeys: 3 }),
  order: fc.constantFrom("asc", "desc"),
  tenant: text,
  sub: text,
});
/** Lone surrogates have no UTF-8 encoding, so row keys never contain them. */
const lastKey = fc.string({ unit: "grapheme", minLength: 1, maxLength: 80 }).filter((some) => some.isWellFormed());

test("a cursor returns its key to its own query, and to no other", () => {
  fc.assert(
    fc.property(scope, scope, lastKey, (own, other, row) => {
      const cursor = sealCursor(key, own, row);
      expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(openCursor(key, own, cursor)).toBe(row);
      if (JSON.stringify(own) !== JSON.stringify(other)) {
        const same = JSON.stringify(ordered(own)) === JSON.stringify(ordered(other));
        expect(openCursor(key, other, cursor) === row).toBe(same);
      }
    }),
    { numRuns: 2000 },
  );
});

test("no made-up or damaged text opens; each is only refused", () => {
  const damaged = fc
    .tuple(scope, lastKey, fc.nat(), fc.string({ unit: "binary", minLength: 1, maxLength: 2 }))
    .map(([own, row, at, put]) => {
      const cursor = sealCursor(key, own, row);
      const place = at % cursor.length;
      return { own, cursor, changed: cursor.slice(0, place) + put + cursor.slice(place + 1) };
    });
  fc.assert(
    fc.property(
      fc.oneof(
        damaged,
        fc.tuple(scope, text).map(([own, changed]) => ({ own, cursor: "", changed })),
      ),
      (some) => {
        if (some.changed === some.cursor) return;
        expect(openCursor(key, some.own, some.changed)).toBeUndefined();
      },
    ),
    { numRuns: 3000 },
  );
});

function ordered({ filters, ...rest }: CursorScope): object {
  return { ...rest, filters: Object.entries(filters).sort(([a], [b]) => (a < b ? -1 : 1)) };
}
