import { constants, zstdCompressSync } from "node:zlib";
import type { ParquetWriter } from "hyparquet-writer";
import type { Column, Row } from "./columns.ts";

/** A column of a data file, and the place of its cells in a row. */
export type PlacedColumn = Column & { readonly place: number };

/** Level 2 finds an id again 1 MiB later, which level 1 does not; level 3 takes half as long again for that size. */
const params = { [constants.ZSTD_c_compressionLevel]: 2 };

export function compress(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes, { params });
}

/** Appends rows to a file as a row group. @throws an error if a cell is not of its column's type */
export function writeRowGroup(parquet: ParquetWriter, columns: readonly PlacedColumn[], rows: readonly Row[]): void {
  const columnData = columns.map(({ name, place }) => ({ name, data: rows.map((row) => row[place] ?? null) }));
  parquet.write({ columnData, rowGroupSize: rows.length });
}
