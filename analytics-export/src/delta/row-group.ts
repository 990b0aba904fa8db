import { constants, zstdCompressSync } from "node:zlib";
import type { ParquetWriter } from "hyparquet-writer";
import type { Column, Row } from "./columns.ts";

/** A column of a data file, and the place of its cells in a row. */
export type PlacedColumn = Column & { readonly place: number };

/** Rows on their way into a row group. */
export type RowGroupWriter = {
  /** @throws an error if a cell is not of its column's type; the writer is of no use then */
  add(rows: readonly Row[]): void;
  /** About how many bytes it holds. */
  held(): number;
  /** Appends the rows to a file; then there are none. */
  appendTo(parquet: ParquetWriter): void;
};

/** Level 2 finds an id again 1 MiB later, which level 1 does not; level 3 takes half as long again for that size. */
const params = { [constants.ZSTD_c_compressionLevel]: 2 };

export function compress(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes, { params });
}

const CELL_BYTES = 16;

/** A row group as the library writes it. */
export function startRowGroup(columns: readonly PlacedColumn[]): RowGroupWriter {
  let rows: Row[] = [];
  return {
    add(more) {
      for (const row of more) rows.push(row);
    },
    held: () => rows.length * columns.length * CELL_BYTES,
    appendTo(parquet) {
      const columnData = columns.map(({ name, place }) => ({ name, data: rows.map((row) => row[place] ?? null) }));
      parquet.write({ columnData, rowGroupSize: rows.length });
      rows = [];
    },
  };
}
