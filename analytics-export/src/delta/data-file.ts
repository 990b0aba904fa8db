import { createHash } from "node:crypto";
import type { ColumnChunk, RowGroup } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { assert } from "ledger-core";
import { type Add, CHECKSUM } from "./actions.ts";
import { parquetSchema, storedColumns, type TableShape } from "./columns.ts";
import { compress, type PlacedColumn, type RowGroupWriter } from "./row-group.ts";
import type { StoredGroup } from "./rows.ts";

/** A data file to be created, and its entry in the log. */
export type DataFile = { readonly path: string; readonly bytes: Uint8Array; readonly add: Add };

export type FileOptions = {
  /** A name that no other file of the table has. */
  readonly uniqueName: () => string;
  readonly nowMs: number;
};

/** A data file of one partition that is written in pieces, row group after row group. */
export function startDataFile(shape: TableShape, day: string, { uniqueName, nowMs }: FileOptions) {
  const columns = placedColumns(shape);
  const writer = new ByteWriter();
  const settings = { codec: "ZSTD", compressors: { ZSTD: compress }, createdBy: "payledger" } as const;
  const parquet = new ParquetWriter({ writer, schema: parquetSchema(columns), ...settings });
  const path = `${shape.partition}=${day}/${uniqueName()}.zstd.parquet`;
  const hash = createHash("sha256");
  let size = 0;
  const counted = (piece: Uint8Array) => {
    hash.update(piece);
    size += piece.length;
    return piece;
  };
  /** The bytes that were written since the last piece. */
  const take = () => {
    const piece = writer.getBytes().slice();
    writer.index = 0;
    return counted(piece);
  };
  return {
    path,
    schema: parquet.schema,
    /** Adds the rows of a row group. */
    write(group: RowGroupWriter): void {
      group.appendTo(parquet);
    },
    /** Adds a row group of a file with the same schema as it is stored. @returns the pieces up to its end */
    copy({ meta, start, bytes }: Pick<StoredGroup, "meta" | "start" | "bytes">): readonly Uint8Array[] {
      const before = take();
      parquet.row_groups.push(movedGroup(meta, BigInt(writer.offset - start)));
      parquet.num_rows += meta.num_rows;
      writer.offset += bytes.length;
      return [before, counted(bytes)];
    },
    take,
    /** @returns the last piece */
    finish(): Uint8Array {
      parquet.finish();
      return take();
    },
    /** Its entry in the log, once it is finished. @param dataChange whether its rows are new to the table */
    entry({ dataChange }: Pick<Add, "dataChange">): Add {
      return {
        ...{ path, partitionValues: { [shape.partition]: day }, size, modificationTime: nowMs, dataChange },
        stats: statisticsOf(shape, parquet),
        tags: { [CHECKSUM]: hash.digest("hex") },
      };
    },
  };
}

/** The columns of a data file, and their places in the table's rows. */
export function placedColumns(shape: TableShape): readonly PlacedColumn[] {
  return storedColumns(shape).map((column) => ({ ...column, place: shape.columns.indexOf(column) }));
}

/** A row group's entry in the footer of another file; indexes of its pages are left behind. */
function movedGroup(group: RowGroup, by: bigint): RowGroup {
  const columns = group.columns.map(({ file_offset, meta_data }): ColumnChunk => {
    assert(meta_data, "a column of our files is in the file itself");
    const { data_page_offset, dictionary_page_offset: dictionary } = meta_data;
    const moved = { ...meta_data, data_page_offset: data_page_offset + by };
    return {
      file_offset: file_offset + by,
      meta_data: dictionary === undefined ? moved : { ...moved, dictionary_page_offset: dictionary + by },
    };
  });
  const { num_rows, total_byte_size, total_compressed_size } = group;
  return { columns, num_rows, total_byte_size, ...(total_compressed_size !== undefined && { total_compressed_size }) };
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
