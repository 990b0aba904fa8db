import type { RowSource, SqlValue } from "../../sql/rows.ts";

const ROWS_A_PART = 1000;
/** Of a value that is no string, and the character behind it. */
const VALUE_BYTES_MAX = 32;
/** Of each unit of a string: three, or two if it is escaped. */
const STRING_BYTES_MAX = 3;
const [TAB, LINE_FEED, MINUS, ZERO] = [9, 10, 45, 48];
const BILLION = 1_000_000_000;

/**
 * Rows as LOAD DATA reads them by default: tabs between fields, a line feed behind a row. Digits are written straight
 * into bytes, since a text of a large number takes ten times as long, and a payment has fourteen.
 */
export function* rowTexts(source: RowSource, width: number): Iterable<Buffer> {
  const row = new Array<SqlValue>(width).fill(null);
  let size = 2 ** 14;
  for (let from = 0; from < source.count; from += ROWS_A_PART) {
    let bytes = Buffer.allocUnsafe(size);
    let end = 0;
    for (let at = from; at < Math.min(source.count, from + ROWS_A_PART); at++) {
      source.put(at, row, 0);
      for (let column = 0; column < width; column++) {
        const value = row[column] ?? null;
        const most = end + VALUE_BYTES_MAX + (typeof value === "string" ? STRING_BYTES_MAX * value.length : 0);
        if (most > bytes.length) bytes = Buffer.concat([bytes.subarray(0, end)], 2 * most);
        end = putField(bytes, end, value);
        bytes[end++] = column === width - 1 ? LINE_FEED : TAB;
      }
    }
    yield bytes.subarray(0, end);
    size = Math.max(size, end + VALUE_BYTES_MAX);
  }
}

/** @returns where it ends */
function putField(bytes: Buffer, at: number, value: SqlValue): number {
  if (typeof value === "number" && Number.isSafeInteger(value)) return putWhole(bytes, at, value);
  if (value === null) return at + bytes.write("\\N", at, "latin1");
  if (typeof value === "string") return at + bytes.write(value.replace(/[\\\t\n\0]/g, escaped), at);
  return at + bytes.write(`${value}`, at, "latin1");
}

function escaped(character: string): string {
  return character === "\0" ? "\\0" : `\\${character}`;
}

function putWhole(bytes: Buffer, at: number, value: number): number {
  if (value < 0) {
    bytes[at] = MINUS;
    return putWhole(bytes, at + 1, -value);
  }
  if (value < BILLION) return putDigits(bytes, at, value, lengthOf(value));
  // Both steps are exact: a remainder, and the quotient of a multiple.
  const low = value % BILLION;
  const high = (value - low) / BILLION;
  return putDigits(bytes, putDigits(bytes, at, high, lengthOf(high)), low, 9);
}

function lengthOf(value: number): number {
  let length = 1;
  for (let most = 10; value >= most; most *= 10) length++;
  return length;
}

/** @param value below a billion */
function putDigits(bytes: Buffer, at: number, value: number, length: number): number {
  let rest = value;
  for (let place = at + length - 1; place >= at; place--) {
    const tenth = (rest / 10) >>> 0;
    bytes[place] = ZERO + rest - 10 * tenth;
    rest = tenth;
  }
  return at + length;
}
