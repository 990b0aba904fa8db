import { createHash } from "node:crypto";
import { zstdDecompressSync } from "node:zlib";
import { type AsyncBuffer, type FileMetaData, parquetMetadata, parquetReadObjects, type RowGroup } from "hyparquet";
import { LedgerError } from "ledger-core";
import type { Lake } from "../ports/lake.ts";
import { type Add, CHECKSUM } from "./actions.ts";
import { type Cell, dayNumber, type Row, type TableShape } from "./columns.ts";

const DAY_MS = 86_400_000;
const MICROS_A_MS = 1000;
/** Larger files are read in parts: first all, for their checksum, then each row group. */
const PART_BYTES = 8 * 2 ** 20;
/** The length of a footer and the magic bytes, which follow it. */
const END_BYTES = 8;

export const compressors = {
  ZSTD: (bytes: Uint8Array) => new Uint8Array(zstdDecompressSync(bytes)),
};

/** Times as the file has them: a Date has no microseconds. */
export const parsers = {
  timestampFromMicroseconds: (micros: bigint) => micros,
  dateFromDays: (days: number) => days,
};
/** Bounds as the file has them, so that they can be written again without a loss; a copy holds on to nothing else. */
const rawParsers = { ...parsers, stringFromBytes: (bytes: Uint8Array) => bytes.slice() };

/** A data file of which a row group at a time is in memory. */
export type StoredFile = { readonly metadata: FileMetaData; groups(): AsyncGenerator<StoredGroup> };

export type StoredGroup = {
  readonly meta: RowGroup;
  /** The place of its bytes in the file. */
  readonly start: number;
  readonly bytes: Uint8Array;
  rows(): Promise<Row[]>;
};

type Damaged = (why: string, cause?: unknown) => LedgerError;

/** The rows of a data file, in its order. @throws like `openDataFile` */
export async function readDataFile(lake: Lake, shape: TableShape, add: Add): Promise<Row[]> {
  const rows: Row[] = [];
  const { groups } = await openDataFile(lake, shape, add);
  for await (const group of groups()) for (const row of await group.rows()) rows.push(row);
  return rows;
}

/**
 * Opens a data file, after its checksum was compared.
 * @throws LedgerError store_damaged, which names the file, when it is missing or unreadable
 */
export async function openDataFile(lake: Lake, shape: TableShape, add: Add): Promise<StoredFile> {
  const path = `${shape.name}/${decodeURIComponent(add.path)}`;
  const damaged: Damaged = (why, cause) => new LedgerError("store_damaged", `${path} ${why}`, { cause });
  const readable = async <Result>(work: () => Result | Promise<Result>) => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof LedgerError) throw error;
      throw damaged(`cannot be read: ${error instanceof Error ? error.message : String(error)}`, error);
    }
  };
  const part = await openChecked(lake, path, add, damaged);
  const metadata = await readable(async () => {
    const end = new DataView(await part(add.size - END_BYTES, add.size)).getUint32(0, true) + END_BYTES;
    return parquetMetadata(await part(add.size - end, add.size), { parsers: rawParsers });
  });

  async function* groups(): AsyncGenerator<StoredGroup> {
    let rowStart = 0;
    for (const meta of metadata.row_groups) {
      const { start, end } = extentOf(meta);
      const buffer = await readable(() => part(start, end));
      const slice = (from: number, to = add.size) => buffer.slice(from - start, to - start);
      const file: AsyncBuffer = { byteLength: add.size, slice };
      const rowEnd = rowStart + Number(meta.num_rows);
      const options = { file, metadata, compressors, parsers, rowStart, rowEnd };
      const rows = async () => {
        const objects = await readable(() => parquetReadObjects(options));
        return objects.map((object) => rowOf(shape, add, object, damaged));
      };
      yield { meta, start, bytes: new Uint8Array(buffer), rows };
      rowStart = rowEnd;
    }
  }
  return { metadata, groups };
}

/** Reads a file once to compare it with its entry. @returns the function that reads a part of it */
async function openChecked(lake: Lake, path: string, { size, tags }: Add, damaged: Damaged) {
  async function read(from: number, to: number): Promise<Uint8Array> {
    // One byte more than there should be: a longer file is another one.
    const bytes = await lake.readPart(path, from, to === size ? to + 1 : to);
    if (!bytes) throw damaged("is missing");
    const end = from + bytes.length;
    if (end !== to) throw damaged(`has ${end > to ? "more" : end} bytes, and the log of the table says ${size}`);
    return bytes;
  }
  const hash = createHash("sha256");
  let last: Uint8Array = new Uint8Array();
  for (let at = 0; at < size; at += last.length) {
    last = await read(at, Math.min(at + PART_BYTES, size));
    hash.update(last);
  }
  const checksum = tags?.[CHECKSUM];
  if (checksum !== undefined && checksum !== hash.digest("hex")) throw damaged("has other bytes than were written");
  return async (from: number, to: number): Promise<ArrayBuffer> => {
    if (!(0 <= from && from <= to && to <= size)) throw new RangeError(`it has no bytes from ${from} to ${to}`);
    const bytes = last.length === size ? last.subarray(from, to) : await read(from, to);
    return new Uint8Array(bytes).buffer;
  };
}

function extentOf({ columns }: RowGroup): { readonly start: number; readonly end: number } {
  const starts = columns.map(({ meta_data: meta }) => Number(meta?.dictionary_page_offset || meta?.data_page_offset));
  const ends = columns.map(({ meta_data: meta }, index) => (starts[index] ?? 0) + Number(meta?.total_compressed_size));
  return { start: Math.min(...starts), end: Math.max(...ends) };
}

function rowOf(shape: TableShape, add: Add, object: Readonly<Record<string, unknown>>, damaged: Damaged): Row {
  return shape.columns.map(({ name, type, nullable }): Cell => {
    if (name === shape.partition) return dayNumber(add.partitionValues[name] ?? "");
    const cell: unknown = object[name] ?? null;
    if (cell === null && nullable) return null;
    const value = type === "date" && cell instanceof Date ? cell.getTime() / DAY_MS : cell;
    if (type === "timestamp" && value instanceof Date) return BigInt(value.getTime()) * BigInt(MICROS_A_MS);
    const fits = type === "long" || type === "timestamp" ? "bigint" : type === "string" ? "string" : "number";
    if (typeof value !== fits) throw damaged(`has ${typeof value} in column ${name}`);
    return value as Cell;
  });
}
