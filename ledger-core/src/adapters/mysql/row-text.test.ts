import fc from "fast-check";
import { expect, test } from "vitest";
import type { SqlValue } from "../../sql/rows.ts";
import { valueRows } from "../../sql/rows.ts";
import { rowTexts } from "./row-text.ts";

/** The same, slowly. */
function plainText(values: readonly SqlValue[], width: number): string {
  const escapes: Readonly<Record<string, string>> = { "\0": "\\0", "\\": "\\\\", "\t": "\\\t", "\n": "\\\n" };
  const fields = values.map((value) =>
    value === null ? "\\N" : [...String(value)].map((character) => escapes[character] ?? character).join(""),
  );
  let text = "";
  for (let from = 0; from < fields.length; from += width) text += `${fields.slice(from, from + width).join("\t")}\n`;
  return text;
}

function textOf(values: readonly SqlValue[], width: number): string {
  return Buffer.concat([...rowTexts(valueRows(values, width), width)]).toString();
}

const edges = [0, -0, 1, -1, 9, 10, 999_999_999, 1_000_000_000, 1_000_000_001, 2 ** 31, 2 ** 32, 2 ** 50, 2 ** 53 - 1];

test("whole numbers of every length", () => {
  const values = edges.flatMap((edge) => [edge, -edge, edge - 1, edge + 1]).filter(Number.isSafeInteger);
  for (let power = 1; power <= 1e15; power *= 10) values.push(power, power - 1, 7 * power, -(power + 1));
  expect(textOf(values, 1)).toBe(plainText(values, 1));
});

test("rows of any values", () => {
  const value: fc.Arbitrary<SqlValue> = fc.oneof(
    fc.maxSafeInteger(),
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }),
    fc.constant(null),
    fc.string({ unit: "binary" }),
    fc.constantFrom("\t", "\n", "\\", "\0", "\\N", "", "\t\\n"),
  );
  const rows = fc
    .integer({ min: 1, max: 5 })
    .chain((width) =>
      fc.tuple(
        fc.constant(width),
        fc.array(fc.array(value, { minLength: width, maxLength: width }), { maxLength: 40 }),
      ),
    );
  fc.assert(
    fc.property(rows, ([width, all]) => {
      expect(textOf(all.flat(), width)).toBe(plainText(all.flat(), width));
    }),
  );
});

test("many rows in parts, and texts longer than a part was before", () => {
  const values = Array.from({ length: 2500 }, (_, n) => [
    n,
    n % 700 === 3 ? "\u{1f4b0}\n".repeat(9000) : `${n}`,
  ]).flat();
  expect(textOf(values, 2)).toBe(plainText(values, 2));
});
