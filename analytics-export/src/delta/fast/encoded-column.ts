import { ByteWriter } from "hyparquet-writer";
import { writeRleBitPackedHybrid } from "hyparquet-writer/src/encoding.js";
import type { CellOf } from "../columns.ts";
import { compress } from "../row-group.ts";

/** A page as the file has it. */
export type Page = {
  readonly compressed: Uint8Array;
  /** Its bytes before they were compressed. */
  readonly length: number;
  readonly values: number;
};

/** The least and the greatest cell; texts in the order of their bytes. None: not known. */
export type CellBounds = {
  readonly min_value?: string | number | bigint;
  readonly max_value?: string | number | bigint;
};

export type EncodedColumn = {
  readonly dictionary: Page | undefined;
  readonly pages: readonly Page[];
  readonly bounds: CellBounds;
};

/** Cells of a column on their way into a row group, in buffers of bytes that serve again for the next one. */
export type ColumnEncoder = {
  /** @throws an error if a cell is not of the column's type */
  add<Source>(sources: readonly Source[], cell: CellOf<Source>): void;
  /** About how many bytes it holds. */
  held(): number;
  /** Ends the row group; then the column is empty. */
  finish(): EncodedColumn;
};

/** The array, or a larger one with its elements. */
export function withRoom<Elements extends { readonly length: number; set(from: Elements): void }>(
  elements: Elements,
  length: number,
  make: (length: number) => Elements,
): Elements {
  if (length <= elements.length) return elements;
  const larger = make(Math.max(2 * elements.length, length));
  larger.set(elements);
  return larger;
}

export function pageOf(bytes: Uint8Array, values: number): Page {
  return { compressed: compress(bytes), length: bytes.length, values };
}

/** A page of places in a dictionary of so many values. */
export function pageOfIndexes(indexes: Uint32Array, distinct: number): Page {
  const bitWidth = Math.ceil(Math.log2(distinct));
  const writer = new ByteWriter();
  writer.appendUint8(bitWidth);
  writeRleBitPackedHybrid(writer, indexes, bitWidth);
  return pageOf(writer.getBytes(), indexes.length);
}

export function misfit(name: string, value: unknown): Error {
  return new TypeError(`column ${name} cannot hold ${typeof value} ${value}`);
}
