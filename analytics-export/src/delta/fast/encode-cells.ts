import type { PlacedColumn } from "../row-group.ts";
import { encodeTexts } from "./encode-texts.ts";
import { type ColumnEncoder, type EncodedColumn, misfit, pageOf, pageOfIndexes, withRoom } from "./encoded-column.ts";

export function encodeColumn(column: PlacedColumn): ColumnEncoder {
  switch (column.type) {
    case "int":
    case "date":
      return encodeInts(column);
    case "long":
    case "timestamp":
      return encodeLongs(column);
    case "string":
      return encodeTexts(column);
    default:
      return column.type satisfies never;
  }
}

const CELLS_AT_FIRST = 256;

function encodeInts({ name, place }: PlacedColumn): ColumnEncoder {
  let values = new Int32Array(CELLS_AT_FIRST);
  let [count, min, max] = [0, Infinity, -Infinity];
  return {
    add(rows) {
      values = withRoom(values, count + rows.length, (length) => new Int32Array(length));
      for (const row of rows) {
        const value = row[place];
        if (typeof value !== "number" || (value | 0) !== value) throw misfit(name, value);
        values[count++] = value;
        if (value < min) min = value;
        if (value > max) max = value;
      }
    },
    held: () => count * Int32Array.BYTES_PER_ELEMENT,
    finish() {
      const encoded = fixed(values.subarray(0, count), min === max);
      const bounds = { min_value: min, max_value: max };
      [count, min, max] = [0, Infinity, -Infinity];
      return { ...encoded, bounds };
    },
  };
}

const LEAST_LONG = -(2n ** 63n);
const GREATEST_LONG = 2n ** 63n - 1n;

function encodeLongs({ name, place }: PlacedColumn): ColumnEncoder {
  let values = new BigInt64Array(CELLS_AT_FIRST);
  let count = 0;
  let [min, max] = [GREATEST_LONG, LEAST_LONG];
  return {
    add(rows) {
      values = withRoom(values, count + rows.length, (length) => new BigInt64Array(length));
      for (const row of rows) {
        const value = row[place];
        if (typeof value !== "bigint") throw misfit(name, value);
        values[count++] = value;
        if (value < min) min = value;
        if (value > max) max = value;
      }
      for (const bound of [min, max]) if (BigInt.asIntN(64, bound) !== bound) throw misfit(name, bound);
    },
    held: () => count * BigInt64Array.BYTES_PER_ELEMENT,
    finish() {
      const encoded = fixed(values.subarray(0, count), min === max);
      const bounds = { min_value: min, max_value: max };
      count = 0;
      [min, max] = [GREATEST_LONG, LEAST_LONG];
      return { ...encoded, bounds };
    },
  };
}

/** A column of one value is a dictionary of it, which takes next to nothing. */
function fixed(values: Int32Array | BigInt64Array, same: boolean): Omit<EncodedColumn, "bounds"> {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (!same) return { dictionary: undefined, pages: [pageOf(bytes, values.length)] };
  const dictionary = pageOf(bytes.subarray(0, values.BYTES_PER_ELEMENT), 1);
  return { dictionary, pages: [pageOfIndexes(new Uint32Array(values.length), 1)] };
}
