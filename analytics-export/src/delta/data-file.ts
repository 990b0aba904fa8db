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
  return {
    write(rows: readonly Row[]): void {
      writeGroup(parquet, columns, rows);
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
        stats: statisticsOf(shape, parquet),
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
function statisticsOf({ bounded }: TableShape, { num_rows, row_groups }: ParquetWriter): string {
  const least: Record<string, number> = {};
  const most: Record<string, number> = {};
  for (const { columns } of row_groups)
    for (const { meta_data } of columns) {
      const name = meta_data?.path_in_schema[0];
      if (name === undefined || !bounded.includes(name)) continue;
      const { min_value, max_value } = meta_data?.statistics ?? {};
      least[name] = Math.min(least[name] ?? Infinity, Number(min_value));
      most[name] = Math.max(most[name] ?? -Infinity, Number(max_value));
    }
  const nullCount = Object.fromEntries(bounded.map((name) => [name, 0]));
  return JSON.stringify({ numRecords: Number(num_rows), minValues: least, maxValues: most, nullCount });
}
