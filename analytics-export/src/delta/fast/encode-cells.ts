import { Buffer } from "node:buffer";
import { ByteWriter } from "hyparquet-writer";
import { writeRleBitPackedHybrid } from "hyparquet-writer/src/encoding.js";
import type { Row } from "../columns.ts";
import type { PlacedColumn } from "../row-group.ts";

/** Takes the encoded pages of a column, the dictionary first if there is one; their bytes are used again. */
export type PageSink = {
  dictionary(bytes: Uint8Array, count: number): void;
  page(bytes: Uint8Array, count: number): void;
};

/** The least and the greatest cell; texts in the order of their bytes. None: not known. */
export type CellBounds = {
  readonly min_value?: string | number | bigint;
  readonly max_value?: string | number | bigint;
};

/** The size at which a page of texts ends. */
const PAGE_BYTES = 2 ** 20;
const LENGTH_BYTES = 4;
const UTF8_MOST = 3;

/** Encodes a column's cells of one or more rows. @throws an error if one is not of the column's type */
export function encodeCells({ name, type, place }: PlacedColumn, rows: readonly Row[], sink: PageSink): CellBounds {
  switch (type) {
    case "int":
    case "date":
      return encodeInts(name, place, rows, sink);
    case "long":
    case "timestamp":
      return encodeLongs(name, place, rows, sink);
    case "string":
      return encodeTexts(name, place, rows, sink);
    default:
      return type satisfies never;
  }
}

function encodeInts(name: string, place: number, rows: readonly Row[], sink: PageSink): CellBounds {
  const values = new Int32Array(rows.length);
  let [min, max] = [Infinity, -Infinity];
  for (let index = 0; index < rows.length; index++) {
    const value = rows[index]?.[place];
    if (typeof value !== "number" || (value | 0) !== value) throw misfit(name, value);
    values[index] = value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  writeFixed(values, min === max, sink);
  return { min_value: min, max_value: max };
}

function encodeLongs(name: string, place: number, rows: readonly Row[], sink: PageSink): CellBounds {
  const values = new BigInt64Array(rows.length);
  const first = rows[0]?.[place];
  if (typeof first !== "bigint") throw misfit(name, first);
  let [min, max] = [first, first];
  for (let index = 0; index < rows.length; index++) {
    const value = rows[index]?.[place];
    if (typeof value !== "bigint") throw misfit(name, value);
    values[index] = value;
    if (value < min) min = value;
    else if (value > max) max = value;
  }
  for (const bound of [min, max]) if (BigInt.asIntN(64, bound) !== bound) throw misfit(name, bound);
  writeFixed(values, min === max, sink);
  return { min_value: min, max_value: max };
}

/** A column of one value is a dictionary of it, which takes next to nothing. */
function writeFixed(values: Int32Array | BigInt64Array, same: boolean, sink: PageSink): void {
  const bytes = new Uint8Array(values.buffer);
  if (same) {
    sink.dictionary(bytes.subarray(0, values.BYTES_PER_ELEMENT), 1);
    writeIndexes(new Uint32Array(values.length), 1, sink);
  } else sink.page(bytes, values.length);
}

function writeIndexes(indexes: Uint32Array, distinct: number, sink: PageSink): void {
  const bitWidth = Math.ceil(Math.log2(distinct));
  const writer = new ByteWriter();
  writer.appendUint8(bitWidth);
  writeRleBitPackedHybrid(writer, indexes, bitWidth);
  sink.page(writer.getBytes(), indexes.length);
}

function encodeTexts(name: string, place: number, rows: readonly Row[], sink: PageSink): CellBounds {
  const texts: string[] = [];
  for (const row of rows) {
    const text = row[place];
    if (typeof text !== "string") throw misfit(name, text);
    texts.push(text);
  }
  const found = findDictionary(texts);
  if (!found) return writeTexts(texts, (bytes, count) => sink.page(bytes, count));
  const bounds = writeTexts(found.values, (bytes, count) => sink.dictionary(bytes, count), Infinity);
  writeIndexes(found.indexes, found.values.length, sink);
  return bounds;
}

const SAMPLE = 1000;
/** A dictionary takes long to build and hardly saves a byte if more of its sample are different. */
const SAMPLE_DISTINCT_MOST = 0.9;
/** A dictionary with its indexes is at most this part of the plain texts. */
const DICTIONARY_SHARE_MOST = 0.5;

type Dictionary = { readonly values: readonly string[]; readonly indexes: Uint32Array };

/** @returns nothing if a dictionary is not worth its time or size */
function findDictionary(texts: readonly string[]): Dictionary | undefined {
  const sampled = Math.min(SAMPLE, texts.length);
  const sample = new Set<string>();
  // An uneven step: neighbouring rows may come in pairs.
  const step = (texts.length - 1) / Math.max(1, sampled - 1);
  for (let n = 0; n < sampled; n++) sample.add(texts[Math.floor(n * step)] ?? "");
  if (sample.size > SAMPLE_DISTINCT_MOST * sampled) return undefined;
  const places = new Map<string, number>();
  const indexes = new Uint32Array(texts.length);
  let plain = 0;
  let held = 0;
  for (let index = 0; index < texts.length; index++) {
    const text = texts[index] ?? "";
    const bytes = LENGTH_BYTES + text.length;
    let at = places.get(text);
    if (at === undefined) {
      at = places.size;
      places.set(text, at);
      held += bytes;
    }
    indexes[index] = at;
    plain += bytes;
  }
  const packed = (texts.length * Math.ceil(Math.log2(places.size))) / 8;
  return held + packed > DICTIONARY_SHARE_MOST * plain ? undefined : { values: [...places.keys()], indexes };
}

/** Writes texts with their lengths, in pages of about `pageBytes`. */
function writeTexts(texts: readonly string[], page: PageSink["page"], pageBytes = PAGE_BYTES): CellBounds {
  const [bytes, longest] = sizesOf(texts);
  const buffer = Buffer.allocUnsafe(Math.min(bytes, pageBytes) + LENGTH_BYTES + longest);
  let [at, count] = [0, 0];
  let ascii = true;
  let [min, max] = [texts[0] ?? "", texts[0] ?? ""];
  for (const text of texts) {
    if (at >= pageBytes) {
      page(buffer.subarray(0, at), count);
      [at, count] = [0, 0];
    }
    const length = buffer.write(text, at + LENGTH_BYTES);
    buffer.writeUInt32LE(length, at);
    at += LENGTH_BYTES + length;
    count += 1;
    ascii &&= length === text.length;
    if (text < min) min = text;
    else if (text > max) max = text;
  }
  page(buffer.subarray(0, at), count);
  // Only in ASCII is the order of a text's units that of its bytes.
  return ascii ? { min_value: min, max_value: max } : {};
}

/** The bytes of all texts with their lengths, and of the longest one, at most. */
function sizesOf(texts: readonly string[]): readonly [bytes: number, longest: number] {
  let [bytes, longest] = [0, 0];
  for (const { length } of texts) {
    bytes += LENGTH_BYTES + UTF8_MOST * length;
    longest = Math.max(longest, UTF8_MOST * length);
  }
  return [bytes, longest];
}

function misfit(name: string, value: unknown): Error {
  return new TypeError(`column ${name} cannot hold ${typeof value} ${value}`);
}
