import { randomUUID } from "node:crypto";
import { assert, LedgerError, NO_REVISION } from "ledger-core";
import { projectionTargetSuite, randomHistory, seeded } from "ledger-core/testing";
import { describe, expect, test } from "vitest";
import type { FileContent, Lake } from "../ports/lake.ts";
import { type ExportTable, exportTables } from "../tables/tables.ts";
import { makeLakeFolder, names, rowsOf } from "../testing/folder.ts";
import { lakePerTest } from "../testing/lake-per-test.ts";
import { type Action, commitPath, encodeCommit, PARQUET } from "./actions.ts";
import { makeDataFiles } from "./batch.ts";
import type { Row } from "./columns.ts";
import type { CompactionTuning } from "./compaction.ts";
import { readLog } from "./log.ts";
import { readDataFile } from "./rows.ts";
import { DeltaTable } from "./table.ts";

const history = randomHistory(7, 60);
const leaf = new Uint8Array(32);
const [shape] = exportTables;
assert(shape, "there is a table");

function rowsBetween(table: ExportTable, after: number, upTo: number): Row[] {
  return history.slice(after + 1, upTo + 1).flatMap((event) => [...table.rows(event, { version: 1, leaf }, names)]);
}

function openTable(lake: Lake, table: ExportTable = events, copying: Partial<CompactionTuning> = {}): DeltaTable {
  const compaction = { targetBytes: 32 * 1024, filesMin: 2, ...copying };
  const maintenance = { compaction, keepRemovedMs: 0 };
  const options = { lake, shape: table, uniqueName: randomUUID, nowMs: Date.now };
  return new DeltaTable({ ...options, checkpointEvery: 3, maintenance });
}

const events: ExportTable = shape;
const samples = { events: history.map((_, n) => rowsBetween(events, n - 1, n)), poison: null };
projectionTargetSuite("a Delta table in a folder", samples, async () => {
  const { open, remove } = makeLakeFolder();
  const lake = open();
  const target = openTable(lake);
  return { target, reopen: async () => openTable(lake), contents: () => rowsOf(lake, events), dispose: remove };
});

describe("a table", () => {
  const here = lakePerTest();

  test.each([1, 2, 3, 4])("each row is in it once when every third call to the lake fails, seed %i", async (seed) => {
    const random = seeded(seed);
    const faulty = failing(
      here.lake,
      () => random(3) === 0,
      () => random(2) === 0,
    );
    const last = history.length - 1;
    // Row groups of one row are written anew, larger ones are copied.
    const open = () => openTable(faulty, events, { copyRowsMin: 2, groupRows: 4 });
    let table = open();
    for (let tries = 0; tries < 10_000; tries++) {
      try {
        const at = await table.checkpoint(0);
        if (at === last) break;
        const upTo = Math.min(at + 1 + random(9), last);
        await table.apply(0, at, upTo, rowsBetween(events, at, upTo));
      } catch (error) {
        expect(error).toMatchObject({ code: "store_unavailable" });
        // As after a crash: nothing is remembered.
        if (random(2) === 0) table = open();
      }
    }
    expect(await rowsOf(here.lake, events)).toEqual(
      rowsBetween(events, NO_REVISION, last)
        .map((row) => row.map(String).join(" | "))
        .sort(),
    );
  });

  test("a foreign commit between two of ours is passed over, and nothing is lost", async () => {
    const table = openTable(here.lake);
    await table.apply(0, NO_REVISION, 4, rowsBetween(events, NO_REVISION, 4));
    await here.lake.create(commitPath(events.name, 2), encodeCommit("OPTIMIZE", 0, []));
    await table.apply(0, 4, 9, rowsBetween(events, 4, 9));
    expect(await rowsOf(here.lake, events)).toHaveLength(10);
    expect(await openTable(here.lake).checkpoint(0)).toBe(9);
  });

  test("small files are merged into few, rows and positions stay, and replaced files go", async () => {
    const table = openTable(here.lake);
    for (const shard of [0, 1])
      for (let at = NO_REVISION; at < 29; at++) {
        const rows = rowsBetween(events, at, at + 1);
        await table.apply(shard, at, at + 1, shard === 0 ? rows : rows.map((row) => row.with(1, 1)));
      }
    const { snapshot } = await readLog(here.lake, events.name, { files: true });
    const days = new Set(rowsBetween(events, NO_REVISION, 29).map(([day]) => day)).size;
    expect(snapshot.adds.size).toBeLessThanOrEqual(2 * days + 6);
    expect(await rowsOf(here.lake, events)).toHaveLength(60);
    expect([await openTable(here.lake).checkpoint(0), await openTable(here.lake).checkpoint(1)]).toEqual([29, 29]);
    const before = new Set<string>();
    for await (const { path } of here.lake.files(events.name)) if (path.endsWith(".parquet")) before.add(path);
    // One merging more removes the files that the last one replaced.
    for (let at = 29; at < 35; at++) await table.apply(0, at, at + 1, rowsBetween(events, at, at + 1));
    const data: string[] = [];
    for await (const { path } of here.lake.files(events.name)) if (!path.includes("_delta_log")) data.push(path);
    const left = await readLog(here.lake, events.name, { files: true });
    expect(data.length).toBeLessThanOrEqual(left.snapshot.adds.size + left.snapshot.removes.size);
    expect(data.some((path) => before.has(path))).toBe(true);
  });

  test("files that another writer merges at the same time are merged once", async () => {
    const table = openTable(here.lake);
    await table.apply(0, NO_REVISION, 4, rowsBetween(events, NO_REVISION, 4));
    let theirs: readonly Action[] | undefined;
    const racing: Lake = {
      ...here.lake,
      async create(path, content) {
        if (theirs === undefined && isMerge(content)) {
          // Theirs is made just before ours: the same files become one of their own.
          const { snapshot, version } = await readLog(here.lake, events.name, { files: true });
          const adds = [...snapshot.adds.values()];
          const rows = (await Promise.all(adds.map((add) => readDataFile(here.lake, events, add)))).flat();
          const files = makeDataFiles(events, rows, { uniqueName: randomUUID, nowMs: 0 });
          for (const file of files) await here.lake.create(`${events.name}/${file.path}`, file.bytes);
          theirs = [
            ...adds.map((add) => ({ remove: { path: add.path, deletionTimestamp: 0, dataChange: false } })),
            ...files.map(({ add }) => ({ add })),
          ];
          await here.lake.create(commitPath(events.name, version + 1), encodeCommit("OPTIMIZE", 0, theirs));
        }
        return here.lake.create(path, content);
      },
    };
    const other = openTable(racing);
    let at = 4;
    while (theirs === undefined) {
      const apply = other.apply(0, at, at + 1, rowsBetween(events, at, at + 1));
      await apply.catch((error: unknown) => expect(error).toMatchObject({ code: "store_unavailable" }));
      at += 1;
    }
    expect(await other.checkpoint(0)).toBe(at);
    expect(await rowsOf(here.lake, events)).toHaveLength(at + 1);
  });

  test("a column that was added is added to the table, and earlier rows have none", async () => {
    const narrow: ExportTable = { ...events, columns: events.columns.slice(0, -1) };
    const cut = (rows: readonly Row[]) => rows.map((row) => row.slice(0, -1));
    await openTable(here.lake, narrow).apply(0, NO_REVISION, 4, cut(rowsBetween(events, NO_REVISION, 4)));
    const wide: ExportTable = {
      ...events,
      columns: events.columns.map((column) => (column.name === "leaf" ? { ...column, nullable: true } : column)),
    };
    await openTable(here.lake, wide).apply(0, 4, 9, rowsBetween(events, 4, 9));
    const rows = await rowsOf(here.lake, wide);
    expect(rows.filter((row) => row.endsWith(" | null"))).toHaveLength(5);
    expect(rows).toHaveLength(10);
    await expect(openTable(here.lake, narrow).checkpoint(0)).rejects.toThrow(/newer exporter/);
  });

  test.each([
    [
      "a newer protocol",
      { protocol: { minReaderVersion: 3, minWriterVersion: 7 } },
      "incompatible",
      /reader version 3/,
    ],
    ["other columns", { metaData: metaData("a string") }, "incompatible", /its column 1 is a string/],
    ["no schema", { metaData: { ...metaData("a string"), schemaString: "{" } }, "store_damaged", /schema/],
  ] as const)("a table with %s is not written", async (_, action, code, message) => {
    await openTable(here.lake).checkpoint(0);
    await here.lake.create(commitPath(events.name, 1), encodeCommit("ELSEWHERE", 0, [action]));
    const written = openTable(here.lake).apply(0, NO_REVISION, 4, rowsBetween(events, NO_REVISION, 4));
    await expect(written).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(await here.lake.read(commitPath(events.name, 2))).toBeUndefined();
  });

  test("a torn commit stops the table and names the line", async () => {
    await openTable(here.lake).checkpoint(0);
    await here.lake.create(commitPath(events.name, 1), new TextEncoder().encode('{"commitInfo":{}}\n{"txn":{"appId":'));
    const message = expect.stringMatching(/00001\.json, line 2/);
    await expect(openTable(here.lake).checkpoint(0)).rejects.toMatchObject({ code: "store_damaged", message });
  });
});

function metaData(field: string) {
  const [name, type] = field.split(" ");
  const schemaString = JSON.stringify({ type: "struct", fields: [{ name, type, nullable: true, metadata: {} }] });
  return {
    id: "x",
    format: PARQUET,
    schemaString,
    partitionColumns: ["booked_date"],
    configuration: {},
    createdTime: 0,
  };
}

function isMerge(bytes: FileContent): boolean {
  if (!(bytes instanceof Uint8Array)) return false;
  return new TextDecoder().decode(bytes.subarray(0, 200)).includes('"operation":"OPTIMIZE"');
}

/** A lake whose calls fail, before they did anything or after. */
function failing(lake: Lake, fails: () => boolean, before: () => boolean): Lake {
  const fault = () => new LedgerError("store_unavailable", "the disk fails");
  async function maybe<Result>(work: () => Promise<Result>): Promise<Result> {
    if (!fails()) return work();
    if (!before()) await work();
    throw fault();
  }
  return {
    create: (path, content) => maybe(() => lake.create(path, content)),
    read: (path) => maybe(() => lake.read(path)),
    readPart: (path, from, to) => maybe(() => lake.readPart(path, from, to)),
    names: (folder, after) => maybe(() => lake.names(folder, after)),
    files: (folder) => lake.files(folder),
    remove: (path) => maybe(() => lake.remove(path)),
  };
}
