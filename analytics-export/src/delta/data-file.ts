import { createHash } from "node:crypto";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { assert } from "ledger-core";
import { type Add, CHECKSUM } from "./actions.ts";
import { dayText, parquetSchema, type Row, storedColumns, type TableShape } from "./columns.ts";
import { writeRowGroup } from "./fast/row-group.ts";
import { compress } from "./row-group.ts";

/** A data file to be created, and its entry in the log. */
export type DataFile = { readonly path: string; readonly bytes: Uint8Array; readonly add: Add };

export type FileOptions = {
  /** A name that no other file of the table has. */
  readonly uniqueName: () => string;
  readonly nowMs: number;
  /** How row groups are written. Default: the fast lane. */
  readonly writeGroup?: typeof writeRowGroup;
};

/** One file for each value of the partition's column, rows in their order. */
export function makeDataFiles(shape: TableShape, rows: readonly Row[], options: FileOptions): DataFile[] {
  const at = shape.columns.findIndex(({ name }) => name === shape.partition);
  const parts = Map.groupBy(rows, (row) => {
    const day = row[at];
    assert(typeof day === "number", `${shape.name}.${shape.partition} is a day`);
    return day;
  });
  return Array.from(parts, ([day, part]) => {
    const file = startDataFile(shape, dayText(day), options);
    file.write(part);
    return file.finish({ dataChange: true });
  });
}

/** A data file of one partition that is written piece by piece, each piece a row group. */
export function startDataFile(shape: TableShape, day: string, options: FileOptions) {
  const { uniqueName, nowMs, writeGroup = writeRowGroup } = options;
  const columns = storedColumns(shape).map((column) => ({ ...column, place: shape.columns.indexOf(column) }));
  const writer = new ByteWriter();
  const settings = { codec: "ZSTD", compressors: { ZSTD: compress }, createdBy: "payledger" } as const;
  const parquet = new ParquetWriter({ writer, schema: parquetSchema(columns), ...settings });
  const statistics = startStatistics(shape);
  return {
    write(rows: readonly Row[]): void {
      writeGroup(parquet, columns, rows);
      statistics.take(rows);
    },
    /** @param dataChange whether its rows are new to the table */
    finish({ dataChange }: Pick<Add, "dataChange">): DataFile {
      parquet.finish();
      const bytes = writer.getBytes();
      const path = `${shape.partition}=${day}/${uniqueName()}.zstd.parquet`;
      const add: Add = {
        ...{
          path,
          partitionValues: { [shape.partition]: day },
          size: bytes.length,
          modificationTime: nowMs,
          dataChange,
        },
        stats: JSON.stringify(statistics.result()),
        tags: { [CHECKSUM]: checksumOf(bytes) },
      };
      return { path, bytes, add };
    },
  };
}

export function checksumOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Bounds of the whole-number columns that the shape names: texts and times have rules of their own in each reader. */
function startStatistics({ bounded, columns }: TableShape) {
  const bounds = bounded.map((name) => {
    return { name, at: columns.findIndex((column) => column.name === name), min: Infinity, max: -Infinity };
  });
  let numRecords = 0;
  const byName = (value: (bound: (typeof bounds)[number]) => number) =>
    Object.fromEntries(bounds.map((bound) => [bound.name, value(bound)]));
  return {
    take(rows: readonly Row[]): void {
      numRecords += rows.length;
      for (const bound of bounds)
        for (const row of rows) {
          const value = Number(row[bound.at]);
          bound.min = Math.min(bound.min, value);
          bound.max = Math.max(bound.max, value);
        }
    },
    result: () => ({
      ...{ numRecords, minValues: byName(({ min }) => min), maxValues: byName(({ max }) => max) },
      nullCount: byName(() => 0),
    }),
  };
}
