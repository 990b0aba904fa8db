import { randomInt, randomUUID } from "node:crypto";
import { parquetMetadata } from "hyparquet";
import { randomHistory, seeded } from "ledger-core/testing";
import { describe, expect, test } from "vitest";
import { type ExportTable, exportTables } from "../tables/tables.ts";
import { names } from "../testing/folder.ts";
import { lakePerTest } from "../testing/lake-per-test.ts";
import type { Add } from "./actions.ts";
import { type Row, rowCells, storedColumns } from "./columns.ts";
import { placedColumns, startDataFile } from "./data-file.ts";
import { startRowGroup } from "./fast/row-group.ts";
import { type Merging, mergedFile } from "./merged-file.ts";
import { parsers, readDataFile } from "./rows.ts";

const DAY = "2026-11-27";
const seed = Number(process.env.LEDGER_SEED ?? randomInt(2 ** 31));
const history = randomHistory(seed, 150);
const stored = { version: 1, leaf: new Uint8Array(32) };

const here = lakePerTest();

type Written = { readonly add: Add; readonly groups: readonly (readonly Row[])[] };

/** A data file of one day in the lake, with these row groups. */
async function writeFile(table: ExportTable, groups: readonly (readonly Row[])[]): Promise<Written> {
  const file = startDataFile(table, DAY, { uniqueName: randomUUID, nowMs: 0 });
  const rowGroup = startRowGroup(placedColumns(table));
  for (const rows of groups) {
    rowGroup.add(rows, rowCells(table));
    file.write(rowGroup);
  }
  await here.lake.create(`${table.name}/${file.path}`, file.finish());
  return { add: file.entry({ dataChange: true }), groups };
}

/** A history's rows of a table in files of one to three row groups each. */
async function writeFiles(table: ExportTable, random: (below: number) => number): Promise<Written[]> {
  const rows = history.flatMap((event) => [...table.rows(event, stored, names)]);
  const files: Written[] = [];
  for (let at = 0; at < rows.length; ) {
    const groups: Row[][] = [];
    for (let left = 1 + random(3); left > 0 && at < rows.length; left--) {
      const group = rows.slice(at, at + 1 + random(60));
      groups.push(group);
      at += group.length;
    }
    files.push(await writeFile(table, groups));
  }
  return files;
}

async function merge(table: ExportTable, files: readonly Written[], tuning: Partial<Merging>) {
  const adds = files.map(({ add }) => add);
  const merged = mergedFile({ lake: here.lake, shape: table, uniqueName: randomUUID, nowMs: () => 0, ...tuning }, adds);
  const pieces: Uint8Array[] = [];
  async function* watched() {
    for await (const piece of merged.pieces()) {
      pieces.push(piece);
      yield piece;
    }
  }
  await here.lake.create(`${table.name}/${merged.path}`, watched());
  return { add: merged.entry(), pieces };
}

async function bytesOf(table: ExportTable, { path }: Add): Promise<Uint8Array> {
  return (await here.lake.read(`${table.name}/${path}`)) ?? new Uint8Array();
}

/** A row group as a reader finds it: its bytes, its bounds and the number of its rows. */
function groupsIn(bytes: Uint8Array) {
  return parquetMetadata(bytes, { parsers }).row_groups.map(({ columns, num_rows: rows }) => ({
    rows,
    columns: columns.map(({ meta_data: meta }) => {
      const start = Number(meta?.dictionary_page_offset ?? meta?.data_page_offset);
      const end = start + Number(meta?.total_compressed_size);
      return { bounds: meta?.statistics, pages: Buffer.from(bytes.subarray(start, end)).toString("hex") };
    }),
  }));
}

const dayOf = (table: ExportTable, rows: readonly Row[]) => {
  const at = table.columns.findIndex(({ name }) => name === table.partition);
  return rows.map((row) => row.with(at, Date.parse(DAY) / 86_400_000));
};

describe.each(exportTables.map((table) => [table.name, table] as const))("merged files of %s", (_, table) => {
  test(`large row groups are copied byte for byte, small ones are written as one, seed ${seed}`, async () => {
    const random = seeded(seed);
    const files = await writeFiles(table, random);
    const copyRowsMin = 1 + random(60);
    const { add, pieces } = await merge(table, files, { copyRowsMin, groupRows: 50 });
    const rows = files.flatMap(({ groups }) => groups.flat());
    expect(await readDataFile(here.lake, table, add)).toEqual(dayOf(table, rows));
    const sources = (await Promise.all(files.map((file) => bytesOf(table, file.add)))).flatMap(groupsIn);
    const large = sources.filter((group) => group.rows >= copyRowsMin);
    const found = groupsIn(await bytesOf(table, add));
    expect(
      found.filter((group) => large.some((one) => JSON.stringify(one, text) === JSON.stringify(group, text))),
    ).toEqual(large);
    // Two small ones are never left beside each other.
    const small = found.map((group) => group.rows < Math.min(copyRowsMin, 50));
    expect(small.some((one, index) => one && small[index + 1] === true)).toBe(false);
    expect(JSON.parse(add.stats ?? "")).toMatchObject({ numRecords: rows.length });
    expect(add.size).toBe(pieces.reduce((sum, piece) => sum + piece.length, 0));
  });

  test("no more than a row group is in memory", async () => {
    const files = await writeFiles(table, seeded(seed));
    const { pieces } = await merge(table, files, { copyRowsMin: 1 });
    const groups = files.flatMap(({ groups }) => groups).length;
    // A piece before each row group, the row group itself, and the footer.
    expect(pieces).toHaveLength(2 * groups + 1);
  });
});

const text = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);

describe("a source", () => {
  const [table] = exportTables;
  if (!table) throw new Error("there is a table");

  test.each([
    ["copied", 1],
    ["decoded", 1_000_000],
  ])("with a changed byte is never merged when its rows are %s", async (_, copyRowsMin) => {
    const rows = history.flatMap((event) => [...table.rows(event, stored, names)]);
    const file = await writeFile(table, [rows.slice(0, 30), rows.slice(30, 50)]);
    const other = await writeFile(table, [rows.slice(50)]);
    const bytes = await bytesOf(table, file.add);
    const path = `${table.name}/${file.add.path}`;
    for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 40)) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      await here.lake.remove(path);
      await here.lake.create(path, changed);
      const merging = merge(table, [file, other], { copyRowsMin });
      await expect(merging, `byte ${at}`).rejects.toMatchObject({ code: "store_damaged" });
    }
    const left = [];
    for await (const { path: found } of here.lake.files(table.name)) left.push(found);
    expect(left).toHaveLength(2);
  });

  test("that is missing or cut off is named", async () => {
    const [file] = await writeFiles(table, seeded(seed));
    if (!file) throw new Error("there is a file");
    const path = `${table.name}/${file.add.path}`;
    const bytes = await bytesOf(table, file.add);
    await here.lake.remove(path);
    await expect(merge(table, [file], {})).rejects.toThrow(`${path} is missing`);
    await here.lake.create(path, bytes.subarray(0, bytes.length - 9));
    await expect(merge(table, [file], {})).rejects.toMatchObject({ code: "store_damaged" });
  });

  test("from before a column was added gets nulls, and newer ones are copied", async () => {
    const narrow: ExportTable = { ...table, columns: table.columns.slice(0, -1) };
    const added = { name: "added", type: "string", nullable: true, about: "" } as const;
    const wide: ExportTable = { ...narrow, columns: [...narrow.columns, added] };
    const rows = history.slice(0, 60).flatMap((event) => [...table.rows(event, stored, names)]);
    const cut = rows.map((row) => row.slice(0, -1));
    const files = [
      await writeFile(narrow, [cut.slice(0, 20)]),
      await writeFile(wide, [rows.slice(20, 40), rows.slice(40)]),
    ];
    const { add } = await merge(wide, files, { copyRowsMin: 1 });
    const expected = [...cut.slice(0, 20).map((row) => [...row, null]), ...rows.slice(20)];
    expect(await readDataFile(here.lake, wide, add)).toEqual(dayOf(wide, expected));
    const [first, second, third] = groupsIn(await bytesOf(wide, add));
    expect(first?.columns).toHaveLength(storedColumns(wide).length);
    const [, newer] = files;
    expect([second, third]).toEqual(groupsIn(await bytesOf(wide, newer?.add ?? add)));
  });
});
