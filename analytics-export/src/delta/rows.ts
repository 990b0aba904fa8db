import { zstdDecompressSync } from "node:zlib";
import { parquetReadObjects } from "hyparquet";
import { LedgerError } from "ledger-core";
import type { Lake } from "../ports/lake.ts";
import { type Add, CHECKSUM } from "./actions.ts";
import { type Cell, dayNumber, type Row, type TableShape } from "./columns.ts";
import { checksumOf } from "./data-file.ts";

const DAY_MS = 86_400_000;
const MICROS_A_MS = 1000;

const compressors = {
  ZSTD: (bytes: Uint8Array) => new Uint8Array(zstdDecompressSync(bytes)),
};

/** Times as the file has them: a Date has no microseconds. */
const parsers = {
  timestampFromMicroseconds: (micros: bigint) => micros,
  dateFromDays: (days: number) => days,
};

/**
 * The rows of a data file, in its order.
 * @throws LedgerError store_damaged, which names the file, when it is missing or unreadable
 */
export async function readDataFile(lake: Lake, shape: TableShape, add: Add): Promise<Row[]> {
  const path = `${shape.name}/${decodeURIComponent(add.path)}`;
  const bytes = await lake.read(path);
  if (!bytes) throw new LedgerError("store_damaged", `${path} is missing`);
  const damaged = (why: string, cause?: unknown) => new LedgerError("store_damaged", `${path} ${why}`, { cause });
  if (bytes.length !== add.size) throw damaged(`has ${bytes.length} bytes, and the log of the table says ${add.size}`);
  const checksum = add.tags?.[CHECKSUM];
  if (checksum !== undefined && checksum !== checksumOf(bytes)) throw damaged("has other bytes than were written");
  const file = new Uint8Array(bytes).buffer;
  const objects = await parquetReadObjects({ file, compressors, parsers }).catch((error: unknown) => {
    throw damaged(`cannot be read: ${error instanceof Error ? error.message : String(error)}`, error);
  });
  return objects.map((object) =>
    shape.columns.map(({ name, type, nullable }): Cell => {
      if (name === shape.partition) return dayNumber(add.partitionValues[name] ?? "");
      const cell: unknown = object[name] ?? null;
      if (cell === null && nullable) return null;
      const value = type === "date" && cell instanceof Date ? cell.getTime() / DAY_MS : cell;
      if (type === "timestamp" && value instanceof Date) return BigInt(value.getTime()) * BigInt(MICROS_A_MS);
      const fits = type === "long" || type === "timestamp" ? "bigint" : type === "string" ? "string" : "number";
      if (typeof value !== fits) throw damaged(`has ${typeof value} in column ${name}`);
      return value as Cell;
    }),
  );
}
