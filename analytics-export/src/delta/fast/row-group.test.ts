import fc from "fast-check";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { expect, test } from "vitest";
import { type Cell, type CellType, type Column, parquetSchema, type Row } from "../columns.ts";
import { compress, startRowGroup as startPlainly } from "../row-group.ts";
import { compressors, parsers } from "../rows.ts";
import { startRowGroup } from "./row-group.ts";

const types: readonly CellType[] = ["int", "long", "string", "date", "timestamp"];
const columns: readonly Column[] = types.map((type) => ({ name: `a_${type}`, type, about: "" }));

/** The rows and bounds that a reader finds in a file of these row groups, each added in pieces. */
async function written(start: typeof startPlainly, shape: readonly Column[], groups: readonly (readonly Row[])[]) {
  const writer = new ByteWriter();
  const settings = { codec: "ZSTD", compressors: { ZSTD: compress } } as const;
  const parquet = new ParquetWriter({ writer, schema: parquetSchema(shape), ...settings });
  const placed = shape.map((column, place) => ({ ...column, place }));
  const rowGroup = start(placed);
  const cells = shape.map((_, place) => (row: Row) => row[place] ?? null);
  groups.forEach((group, index) => {
    for (let at = 0; at < group.length; at += 1 + 7 * index) rowGroup.add(group.slice(at, at + 1 + 7 * index), cells);
    rowGroup.appendTo(parquet);
  });
  parquet.finish();
  const file = writer.getBuffer();
  const metadata = parquetMetadata(file);
  const rows = await parquetReadObjects({ file, metadata, compressors, parsers });
  const bounds = metadata.row_groups.map((group) => group.columns.map((column) => column.meta_data?.statistics));
  return { rows, bounds, counts: metadata.row_groups.map(({ num_rows }) => num_rows) };
}

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const ascii = fc.string({ unit: "binary-ascii", maxLength: 40 });
const cells = { int: int32, date: int32, long: int64, timestamp: int64, string: ascii };

/** Many of few values, so that dictionaries are made, or any. */
const anyCell = (type: CellType): fc.Arbitrary<fc.Arbitrary<Cell>> =>
  fc.oneof(
    fc.constant(cells[type]),
    fc.array<Cell>(cells[type], { minLength: 1, maxLength: 12 }).map((few) => fc.constantFrom(...few)),
  );
const anyGroup = fc
  .tuple(...types.map(anyCell))
  .chain((row) => fc.array(fc.tuple(...row), { minLength: 1, maxLength: 300 }));

test("both lanes write files with the same rows and bounds", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyGroup, { minLength: 1, maxLength: 3 }), async (groups) => {
      expect(await written(startRowGroup, columns, groups)).toEqual(await written(startPlainly, columns, groups));
    }),
    { numRuns: 100 },
  );
});

const [text] = columns.filter(({ type }) => type === "string");
const texts = text ? [text] : [];

test("texts longer than a page, and of any script, are the same in both lanes", async () => {
  const rows = Array.from({ length: 400 }, (_, index) => [`${index} ${"好é😀x".repeat(index * 10)}`]);
  const [fast, plain] = [await written(startRowGroup, texts, [rows]), await written(startPlainly, texts, [rows])];
  expect(fast.rows).toEqual(plain.rows);
});

test("whole numbers in columns of longs are the bigints of the same value, in both lanes", async () => {
  const [long] = columns.filter(({ type }) => type === "long");
  const shape = long ? [long] : [];
  const any = fc.array(fc.oneof(fc.maxSafeInteger(), fc.constantFrom(-0, 0, 1, -1, 2 ** 32, -(2 ** 32)), int64), {
    minLength: 1,
    maxLength: 50,
  });
  await fc.assert(
    fc.asyncProperty(any, async (values) => {
      const bigints = await written(startPlainly, shape, [values.map((value) => [BigInt(value)])]);
      for (const start of [startRowGroup, startPlainly])
        expect(await written(start, shape, [values.map((value) => [value])])).toEqual(bigints);
    }),
    { numRuns: 200 },
  );
});

test("columns with nulls are the plain lane's", async () => {
  const nullable = columns.map((column) => ({ ...column, nullable: true }) as const);
  const rows = [
    [1, 2n, "x", 3, 4n],
    [null, null, null, null, null],
  ];
  expect(await written(startRowGroup, nullable, [rows])).toEqual(await written(startPlainly, nullable, [rows]));
});

test.for<[CellType, Cell]>([
  ["int", 1.5],
  ["int", 2 ** 31],
  ["date", "2026-11-27"],
  ["long", 1.5],
  ["long", 2 ** 53],
  ["long", "1"],
  ["long", 2n ** 63n],
  ["timestamp", -(2n ** 63n) - 1n],
  ["string", 1],
  ["string", null],
])("a %s is never %s", async ([type, cell]) => {
  const only = columns.filter((column) => column.type === type);
  const good = { int: 1, date: 1, long: 1n, timestamp: 1n, string: "x" }[type];
  await expect(written(startRowGroup, only, [[[good], [cell]]])).rejects.toThrow(`column a_${type} cannot hold`);
});
