import { type FileHandle, open } from "node:fs/promises";
import { join, normalize } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { LedgerError } from "ledger-core";
import type { Add } from "../../delta/actions.ts";

export type ParquetTuning = {
  /** Footers kept in memory; the oldest give way. 0 to 10,000. Default 64. */
  readonly footersMax: number;
  /** The most rows of one key in a file. 1 to 1,000,000. Default 50,000. */
  readonly rowsMax: number;
};

const standard: ParquetTuning = { footersMax: 64, rowsMax: 50_000 };

const compressors = { ZSTD: (bytes: Uint8Array) => new Uint8Array(zstdDecompressSync(bytes)) };
/** A date as days since 1970, as partitions have it too. */
const parsers = { dateFromDays: (days: number) => days };

type FileQuery = {
  readonly table: string;
  readonly add: Add;
  /** Columns and the text that each must have. */
  readonly key: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
};

/**
 * Reads rows of a key from Parquet files in a folder: of each, the footer, and the pages of row groups whose bounds
 * the key fits.
 */
export function openParquetFiles(folder: string, tuning: Partial<ParquetTuning>) {
  const { footersMax, rowsMax } = { ...standard, ...tuning };
  const footers = new Map<string, FileMetaData>();

  async function footerOf(path: string, file: AsyncBuffer): Promise<FileMetaData> {
    const found = footers.get(path) ?? (await parquetMetadataAsync(file));
    footers.delete(path);
    footers.set(path, found);
    for (const oldest of footers.keys()) if (footers.size > footersMax) footers.delete(oldest);
    return found;
  }

  async function read({ add, key, columns }: FileQuery, path: string, handle: FileHandle) {
    const { size } = await handle.stat();
    if (size !== add.size) throw new Error(`it has ${size} bytes, and the log of the table says ${add.size}`);
    const file = bufferOf(handle, size);
    const metadata = await footerOf(path, file);
    const inFile = (column: string) => add.partitionValues[column] === undefined;
    const present = new Set(metadata.schema.slice(1).map(({ name }) => name));
    const filter = Object.fromEntries(Object.entries(key).filter(([column]) => inFile(column)));
    const wanted = columns.filter((column) => inFile(column) && present.has(column));
    const rows = await parquetReadObjects({
      ...{ file, metadata, compressors, parsers, columns: wanted, useOffsetIndex: true },
      filter: Object.fromEntries(Object.entries(filter).map(([column, value]) => [column, { $eq: value }])),
    });
    if (rows.length > rowsMax) throw new Error(`it has ${rows.length} rows of one key`);
    return rows.map((row): Readonly<Record<string, unknown>> => ({ ...row, ...add.partitionValues }));
  }

  return {
    /** @throws LedgerError store_damaged, which names the file, when it is missing or cannot be read */
    async rows(query: FileQuery): Promise<readonly Readonly<Record<string, unknown>>[]> {
      const path = join(query.table, normalize(join("/", decodeURIComponent(query.add.path))));
      let handle: FileHandle | undefined;
      try {
        handle = await open(join(folder, path), "r");
        return await read(query, path, handle);
      } catch (error) {
        footers.delete(path);
        const why = error instanceof Error ? error.message : String(error);
        const isDisk = error instanceof Error && "syscall" in error && !("code" in error && error.code === "ENOENT");
        const code = isDisk ? "store_unavailable" : "store_damaged";
        throw new LedgerError(code, `${path} cannot be read: ${why}`, { retryable: true, cause: error });
      } finally {
        await handle?.close();
      }
    },
  };
}

function bufferOf(handle: FileHandle, size: number): AsyncBuffer {
  return {
    byteLength: size,
    async slice(start, end = size) {
      const bytes = new Uint8Array(end - start);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
      if (bytesRead !== bytes.length) throw new Error(`it ends before byte ${end}`);
      return bytes.buffer;
    },
  };
}
