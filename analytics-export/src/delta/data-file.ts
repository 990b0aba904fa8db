import { createHash } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { assert } from "ledger-core";
import { type Add, CHECKSUM } from "./actions.ts";
import { type Cell, type Column, dayText, parquetSchema, type Row, storedColumns, type TableShape } from "./columns.ts";

/** A data file to be created, and its entry in the log. */
export type DataFile = { readonly path: string; readonly bytes: Uint8Array; readonly add: Add };

type FileNaming = {
  /** A name that no other file of the table has. */
  readonly uniqueName: () => string;
  readonly nowMs: number;
};

const compressors = { ZSTD: (bytes: Uint8Array) => zstdCompressSync(bytes) };

/** One file for each value of the partition's column, rows in their order. */
export function makeDataFiles(shape: TableShape, rows: readonly Row[], naming: FileNaming): DataFile[] {
  const at = shape.columns.findIndex(({ name }) => name === shape.partition);
  const parts = Map.groupBy(rows, (row) => {
    const day = row[at];
    assert(typeof day === "number", `${shape.name}.${shape.partition} is a day`);
    return day;
  });
  return Array.from(parts, ([day, part]) => makeDataFile(shape, dayText(day), part, naming));
}

function makeDataFile(shape: TableShape, day: string, rows: readonly Row[], naming: FileNaming): DataFile {
  const columns = storedColumns(shape);
  const cells = columns.map(({ name }) => {
    const at = shape.columns.findIndex((column) => column.name === name);
    return rows.map((row) => row[at] ?? null);
  });
  const buffer = parquetWriteBuffer({
    columnData: columns.map(({ name }, index) => ({ name, data: cells[index] ?? [] })),
    schema: parquetSchema(columns),
    ...{ codec: "ZSTD", compressors },
    createdBy: "payledger",
  });
  const bytes = new Uint8Array(buffer);
  const path = `${shape.partition}=${day}/${naming.uniqueName()}.zstd.parquet`;
  const add: Add = {
    path,
    partitionValues: { [shape.partition]: day },
    size: bytes.length,
    modificationTime: naming.nowMs,
    dataChange: true,
    stats: JSON.stringify(statistics(shape, columns, cells, rows.length)),
    tags: { [CHECKSUM]: checksumOf(bytes) },
  };
  return { path, bytes, add };
}

export function checksumOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Bounds of the whole-number columns that the shape names: texts and times have rules of their own in each reader. */
function statistics(shape: TableShape, columns: readonly Column[], cells: readonly (readonly Cell[])[], rows: number) {
  const minValues: Record<string, number> = {};
  const maxValues: Record<string, number> = {};
  const nullCount: Record<string, number> = {};
  columns.forEach(({ name }, index) => {
    if (!shape.bounded.includes(name)) return;
    const values = (cells[index] ?? []).map(Number);
    minValues[name] = values.reduce((least, value) => Math.min(least, value));
    maxValues[name] = values.reduce((most, value) => Math.max(most, value));
    nullCount[name] = 0;
  });
  return { numRecords: rows, minValues, maxValues, nullCount };
}
