import { cellFunction } from "../columns.ts";
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

function encodeInts({ name }: PlacedColumn): ColumnEncoder {
  let values = new Int32Array(CELLS_AT_FIRST);
  let [count, min, max] = [0, Infinity, -Infinity];
  return {
    add(sources, cell) {
      const cellOf = cellFunction(cell);
      values = withRoom(values, count + sources.length, (length) => new Int32Array(length));
      for (const source of sources) {
        const value = cellOf(source);
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
const HALF = 2 ** 32;

/** Numbers are stored as two halves: a bigint for each would be garbage. */
function encodeLongs({ name }: PlacedColumn): ColumnEncoder {
  let values = new BigInt64Array(CELLS_AT_FIRST);
  let halves = new Int32Array(values.buffer);
  let count = 0;
  let [min, max] = [Infinity, -Infinity];
  let [least, most] = [GREATEST_LONG, LEAST_LONG];

  function addBig(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) throw misfit(name, value);
    values[count++] = value;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  /** The bounds of all cells; those of numbers join the others. */
  function bounds() {
    for (const bound of count > 0 && min <= max ? [min, max] : []) {
      const value = BigInt(bound);
      if (value < least) least = value;
      if (value > most) most = value;
    }
    return { min_value: least, max_value: most };
  }
  return {
    add(sources, cell) {
      const cellOf = cellFunction(cell);
      values = withRoom(values, count + sources.length, (length) => new BigInt64Array(length));
      if (halves.buffer !== values.buffer) halves = new Int32Array(values.buffer);
      for (const source of sources) {
        const value = cellOf(source);
        if (typeof value === "bigint") {
          addBig(value);
          continue;
        }
        if (typeof value !== "number" || !Number.isSafeInteger(value)) throw misfit(name, value);
        halves[2 * count] = value;
        halves[2 * count + 1] = Math.floor(value / HALF);
        count += 1;
        if (value < min) min = value;
        if (value > max) max = value;
      }
    },
    held: () => count * BigInt64Array.BYTES_PER_ELEMENT,
    finish() {
      const ends = bounds();
      const encoded = fixed(values.subarray(0, count), ends.min_value === ends.max_value);
      count = 0;
      [min, max] = [Infinity, -Infinity];
      [least, most] = [GREATEST_LONG, LEAST_LONG];
      return { ...encoded, bounds: ends };
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
