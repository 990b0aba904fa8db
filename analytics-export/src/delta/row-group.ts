import { constants, zstdCompressSync } from "node:zlib";
import type { ParquetWriter } from "hyparquet-writer";
import { type Cell, type CellsOf, type Column, cellFunction } from "./columns.ts";

/** A column of a data file, and its place among the table's columns. */
export type PlacedColumn = Column & { readonly place: number };

/** Rows on their way into a row group. */
export type RowGroupWriter = {
  /** @throws an error if a cell is not of its column's type; the writer is of no use then */
  add<Source>(sources: readonly Source[], cells: CellsOf<Source>): void;
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

export const noCell = () => null;

/** A row group as the library writes it. */
export function startRowGroup(columns: readonly PlacedColumn[]): RowGroupWriter {
  let data = columns.map((): Cell[] => []);
  const count = () => data[0]?.length ?? 0;
  return {
    add(sources, cells) {
      columns.forEach(({ place, type }, index) => {
        const isLong = type === "long" || type === "timestamp";
        const cellOf = cellFunction(cells[place] ?? noCell);
        for (const source of sources) {
          const cell = cellOf(source);
          data[index]?.push(isLong && typeof cell === "number" ? BigInt(cell) : cell);
        }
      });
    },
    held: () => count() * columns.length * CELL_BYTES,
    appendTo(parquet) {
      const columnData = columns.map(({ name }, index) => ({ name, data: data[index] ?? [] }));
      parquet.write({ columnData, rowGroupSize: count() });
      data = columns.map(() => []);
    },
  };
}
