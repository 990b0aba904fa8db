import { randomUUID } from "node:crypto";
import { readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LedgerError } from "ledger-core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { commitPath, encodeCommit } from "../../delta/actions.ts";
import { makeLakeFolder, names } from "../../testing/folder.ts";
import { goldTablesSuite } from "../../testing/gold-suite.ts";
import { writeGold } from "../../testing/gold-writer.ts";
import { folderLake } from "./folder-lake.ts";
import { openGoldFolder } from "./gold-tables.ts";

goldTablesSuite("Delta files in a folder", async () => {
  const { dir, remove } = makeLakeFolder();
  const gold = openGoldFolder({ folder: dir, names, tuning: { footersMax: 2 } });
  return { gold, write: (table, rows) => writeGold(dir, table, rows), close: () => gold.close().then(remove) };
});

describe("a folder's gold tables", () => {
  const query = { table: "report_positions", key: { text: "a" }, order: "asc", limit: 9 } as const;
  const table = "gold/report_positions";
  const row = (position: bigint) => ({ table_name: "a", shard: 0n, position, complete_to: null });
  let folder: ReturnType<typeof makeLakeFolder>;
  beforeEach(() => {
    folder = makeLakeFolder();
  });
  afterEach(() => folder.remove());

  const dataFiles = async () =>
    (await readdir(join(folder.dir, table)))
      .filter((name) => name.endsWith(".parquet"))
      .map((name) => join(table, name));

  test("a table that was dropped and made again is read anew", async () => {
    const gold = openGoldFolder({ folder: folder.dir, names });
    await writeGold(folder.dir, query.table, [row(1n)]);
    await writeGold(folder.dir, query.table, [row(2n)]);
    expect(await gold.rows(query)).toMatchObject([{ position: 2n }]);
    await rm(join(folder.dir, table), { recursive: true });
    expect(await gold.rows(query)).toBeUndefined();
    for (const position of [3n, 4n, 5n, 6n]) await writeGold(folder.dir, query.table, [row(position)]);
    expect(await gold.rows(query)).toMatchObject([{ position: 6n }]);
  });

  test("files that cannot have rows of the key are not opened", async () => {
    const gold = openGoldFolder({ folder: folder.dir, names });
    await writeGold(folder.dir, query.table, [{ ...row(1n), table_name: "b" }]);
    for (const file of await dataFiles()) await rm(join(folder.dir, file));
    expect(await gold.rows(query)).toEqual([]);
    await expect(gold.rows({ ...query, key: { text: "b" } })).rejects.toThrow(LedgerError);
  });

  test.each<[string, (file: string) => Promise<unknown>]>([
    ["is missing", (file) => rm(file)],
    ["is shorter", (file) => truncate(file, 40)],
    ["is no Parquet file", async (file) => writeFile(file, Buffer.alloc(await sizeOf(file), 7))],
  ])("a data file that %s is named, and read again once it is mended", async (_, damage) => {
    const gold = openGoldFolder({ folder: folder.dir, names });
    await writeGold(folder.dir, query.table, [row(1n)]);
    const [file = ""] = await dataFiles();
    await damage(join(folder.dir, file));
    await expect(gold.rows(query)).rejects.toMatchObject({
      code: "store_damaged",
      message: expect.stringContaining(file),
    });
    await writeGold(folder.dir, query.table, [row(2n)]);
    expect(await gold.rows(query)).toMatchObject([{ position: 2n }]);
  });

  test("a table with features that this reader does not know is refused", async () => {
    const gold = openGoldFolder({ folder: folder.dir, names });
    await writeGold(folder.dir, query.table, [row(1n)]);
    const newer = encodeCommit("UPGRADE", 0, [{ protocol: { minReaderVersion: 3, minWriterVersion: 7 } }]);
    await folderLake(folder.dir, randomUUID).create(commitPath(table, 1), newer);
    await expect(gold.rows(query)).rejects.toMatchObject({ code: "incompatible" });
  });

  test("no file outside the table is read, whatever its log says", async () => {
    const gold = openGoldFolder({ folder: folder.dir, names });
    await writeGold(folder.dir, "report_positions", [row(1n)]);
    const [file = ""] = await dataFiles();
    const size = await sizeOf(join(folder.dir, file));
    const add = { path: `../../${file}`, partitionValues: {}, size, modificationTime: 0, dataChange: true };
    await folderLake(folder.dir, randomUUID).create(commitPath(table, 1), encodeCommit("WRITE", 0, [{ add }]));
    await expect(gold.rows(query)).rejects.toMatchObject({ code: "store_damaged" });
  });
});

async function sizeOf(file: string): Promise<number> {
  const { size } = await stat(file);
  return size;
}
