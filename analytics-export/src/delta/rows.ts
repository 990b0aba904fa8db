import { zstdDecompressSync } from "node:zlib";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { LedgerError } from "ledger-core";
import type { Lake } from "../ports/lake.ts";
import { type Add, CHECKSUM } from "./actions.ts";
import { type Cell, dayNumber, type Row, type TableShape } from "./columns.ts";
import { checksumOf } from "./data-file.ts";

const DAY_MS = 86_400_000;
const MICROS_A_MS = 1000;

export const compressors = {
  ZSTD: (bytes: Uint8Array) => new Uint8Array(zstdDecompressSync(bytes)),
};

/** Times as the file has them: a Date has no microseconds. */
export const parsers = {
  timestampFromMicroseconds: (micros: bigint) => micros,
  dateFromDays: (days: number) => days,
};

/** The rows of a data file, in its order. @throws like `readRowGroups` */
export async function readDataFile(lake: Lake, shape: TableShape, add: Add): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const group of readRowGroups(lake, shape, add)) for (const row of group) rows.push(row);
  return rows;
}

/**
 * The rows of a data file, a row group after the other.
 * @throws LedgerError store_damaged, which names the file, when it is missing or unreadable
 */
export async function* readRowGroups(lake: Lake, shape: TableShape, add: Add): AsyncGenerator<readonly Row[]> {
  const path = `${shape.name}/${decodeURIComponent(add.path)}`;
  const bytes = await lake.read(path);
  if (!bytes) throw new LedgerError("store_damaged", `${path} is missing`);
  const damaged = (why: string, cause?: unknown) => new LedgerError("store_damaged", `${path} ${why}`, { cause });
  if (bytes.length !== add.size) throw damaged(`has ${bytes.length} bytes, and the log of the table says ${add.size}`);
  const checksum = add.tags?.[CHECKSUM];
  if (checksum !== undefined && checksum !== checksumOf(bytes)) throw damaged("has other bytes than were written");
  const file = new Uint8Array(bytes).buffer;
  const read = async <Result>(part: () => Result | Promise<Result>) => {
    try {
      return await part();
    } catch (error) {
      throw damaged(`cannot be read: ${error instanceof Error ? error.message : String(error)}`, error);
    }
  };
  const metadata = await read(() => parquetMetadata(file));
  let rowStart = 0;
  for (const { num_rows: count } of metadata.row_groups) {
    const rowEnd = rowStart + Number(count);
    const objects = await read(() => parquetReadObjects({ file, metadata, compressors, parsers, rowStart, rowEnd }));
    yield objects.map((object) => rowOf(shape, add, object, damaged));
    rowStart = rowEnd;
  }
}

function rowOf(
  shape: TableShape,
  add: Add,
  object: Readonly<Record<string, unknown>>,
  damaged: (why: string) => LedgerError,
): Row {
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
