import { Buffer } from "node:buffer";
import type { TextWriter } from "../columns.ts";
import type { PlacedColumn } from "../row-group.ts";
import {
  type CellBounds,
  type ColumnEncoder,
  type EncodedColumn,
  misfit,
  type Page,
  pageOf,
  pageOfIndexes,
  withRoom,
} from "./encoded-column.ts";

/** The size at which a page of texts ends. */
const PAGE_BYTES = 2 ** 20;
const LENGTH_BYTES = 4;
const UTF8_MOST = 3;
const LAST_ASCII = 0x7f;
const CELLS_AT_FIRST = 256;
const BUFFER_AT_FIRST = 1024;
/** So many texts tell whether a dictionary is worth it. */
const SAMPLE = 1000;
/** A dictionary with its indexes is at most this part of the plain texts. */
const DICTIONARY_SHARE_MOST = 0.5;

/** Begins with a dictionary, and goes on with plain texts once it is not worth its size. */
export function encodeTexts({ name }: PlacedColumn): ColumnEncoder {
  const plain = writeTexts();
  let places = new Map<string, number>();
  let indexes = new Uint32Array(CELLS_AT_FIRST);
  let [count, textBytes, dictionaryBytes] = [0, 0, 0];
  let inDictionary = true;
  let lastText: string | undefined;
  let lastAt = 0;

  function addIndex(text: string): void {
    const bytes = LENGTH_BYTES + text.length;
    textBytes += bytes;
    if (text === lastText) {
      indexes[count++] = lastAt;
      return;
    }
    let at = places.get(text);
    if (at === undefined) {
      at = places.size;
      places.set(text, at);
      dictionaryBytes += bytes;
    }
    indexes[count++] = at;
    [lastText, lastAt] = [text, at];
  }
  const pays = () => {
    const packed = (count * Math.ceil(Math.log2(places.size))) / 8;
    return dictionaryBytes + packed <= DICTIONARY_SHARE_MOST * textBytes;
  };
  function leaveDictionary(): void {
    const values = [...places.keys()];
    for (let index = 0; index < count; index++) plain.add(values[indexes[index] ?? 0] ?? "");
    places = new Map();
    lastText = undefined;
    inDictionary = false;
  }
  function encoded(): EncodedColumn {
    if (!inDictionary) return { dictionary: undefined, ...plain.finish() };
    const values = writeTexts(Infinity);
    for (const text of places.keys()) values.add(text);
    const { pages, bounds } = values.finish();
    return { dictionary: pages[0], pages: [pageOfIndexes(indexes.subarray(0, count), places.size)], bounds };
  }

  return {
    add(sources, cell) {
      if (typeof cell !== "function") {
        if (inDictionary) leaveDictionary();
        return plain.addWritten(sources, cell);
      }
      if (inDictionary) indexes = withRoom(indexes, count + sources.length, (length) => new Uint32Array(length));
      for (const source of sources) {
        const text = cell(source);
        if (typeof text !== "string") throw misfit(name, text);
        if (inDictionary) addIndex(text);
        else plain.add(text);
      }
      if (inDictionary && count >= SAMPLE && !pays()) leaveDictionary();
    },
    held: () => dictionaryBytes + count * Uint32Array.BYTES_PER_ELEMENT + plain.held(),
    finish() {
      if (inDictionary && !pays()) leaveDictionary();
      const column = encoded();
      places = new Map();
      lastText = undefined;
      [count, textBytes, dictionaryBytes] = [0, 0, 0];
      inDictionary = true;
      return column;
    },
  };
}

const SHORT = 48;

/** Writes a text as UTF-8 and returns its length; a call of the native function costs more than a short text. */
function writeText(buffer: Buffer, text: string, at: number): number {
  const { length } = text;
  if (length > SHORT) return buffer.write(text, at);
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > LAST_ASCII) return buffer.write(text, at);
    buffer[at + i] = unit;
  }
  return length;
}

/** Texts with their lengths, in pages of about `pageBytes`. */
function writeTexts(pageBytes = PAGE_BYTES) {
  let buffer = Buffer.allocUnsafeSlow(BUFFER_AT_FIRST);
  let pages: Page[] = [];
  let [at, values, heldBytes] = [0, 0, 0];
  let bounded = true;
  let [min, max]: [string | undefined, string | undefined] = [undefined, undefined];

  function endPage(): void {
    const page = pageOf(buffer.subarray(0, at), values);
    pages.push(page);
    heldBytes += page.compressed.length;
    [at, values] = [0, 0];
  }
  /** Ends the page if it is full, or makes room in it for so many bytes. */
  function makeRoom(most: number): void {
    if (at >= pageBytes) endPage();
    if (at + most <= buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(Math.min(2 * buffer.length, pageBytes + most), at + most));
    buffer.copy(larger, 0, 0, at);
    buffer = larger;
  }
  return {
    /** Bounds are not known then. */
    addWritten<Source>(sources: readonly Source[], { most, write }: TextWriter<Source>): void {
      bounded = false;
      for (const source of sources) {
        makeRoom(LENGTH_BYTES + most);
        const end = write(source, buffer, at + LENGTH_BYTES);
        buffer.writeUInt32LE(end - at - LENGTH_BYTES, at);
        at = end;
        values += 1;
      }
    },
    add(text: string): void {
      makeRoom(LENGTH_BYTES + UTF8_MOST * text.length);
      const length = writeText(buffer, text, at + LENGTH_BYTES);
      buffer.writeUInt32LE(length, at);
      at += LENGTH_BYTES + length;
      values += 1;
      // Only in ASCII is the order of a text's units that of its bytes.
      bounded &&= length === text.length;
      if (max === undefined || text > max) max = text;
      if (min === undefined || text < min) min = text;
    },
    held: () => at + heldBytes,
    /** Ends the last page; then there is none. */
    finish(): { readonly pages: readonly Page[]; readonly bounds: CellBounds } {
      if (values > 0) endPage();
      const bounds = bounded && min !== undefined && max !== undefined ? { min_value: min, max_value: max } : {};
      const done = { pages, bounds };
      pages = [];
      heldBytes = 0;
      bounded = true;
      [min, max] = [undefined, undefined];
      return done;
    },
  };
}
