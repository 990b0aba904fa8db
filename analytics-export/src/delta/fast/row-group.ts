import type { ColumnChunk, PageHeader, ParquetType } from "hyparquet";
import type { ParquetWriter } from "hyparquet-writer";
import { writePageHeader } from "hyparquet-writer/src/datapage.js";
import type { CellType, Row } from "../columns.ts";
import { compress, type PlacedColumn, writeRowGroup as writePlainly } from "../row-group.ts";
import { encodeCells, type PageSink } from "./encode-cells.ts";

const physical: Readonly<Record<CellType, ParquetType>> = {
  ...{ int: "INT32", date: "INT32", long: "INT64", timestamp: "INT64", string: "BYTE_ARRAY" },
};

/**
 * The fast lane of `writeRowGroup`, in a quarter of its time: encodes cells straight from the rows, without a column of
 * values, a byte array per text, or a check per value and pass. Knows only columns without nulls; row-group.test.ts
 * compares the two.
 */
export function writeRowGroup(parquet: ParquetWriter, columns: readonly PlacedColumn[], rows: readonly Row[]): void {
  if (columns.some(({ nullable }) => nullable)) writePlainly(parquet, columns, rows);
  else appendRowGroup(parquet, columns, rows);
}

function appendRowGroup(parquet: ParquetWriter, columns: readonly PlacedColumn[], rows: readonly Row[]): void {
  const start = parquet.writer.offset;
  const chunks = columns.map((column) => writeChunk(parquet, column, rows));
  const uncompressed = chunks.reduce((sum, { meta_data }) => sum + (meta_data?.total_uncompressed_size ?? 0n), 0n);
  const count = BigInt(rows.length);
  parquet.row_groups.push({
    ...{ columns: chunks, num_rows: count, total_byte_size: uncompressed },
    total_compressed_size: BigInt(parquet.writer.offset - start),
  });
  parquet.num_rows += count;
}

function writeChunk({ writer }: ParquetWriter, column: PlacedColumn, rows: readonly Row[]): ColumnChunk {
  const start = writer.offset;
  let uncompressed = 0;
  let pages = 0;
  let dataStart: number | undefined;
  let dictionaryStart: number | undefined;
  function write(bytes: Uint8Array, header: (compressed: number) => PageHeader): void {
    const at = writer.offset;
    const compressed = compress(bytes);
    writePageHeader(writer, header(compressed.length));
    uncompressed += writer.offset - at + bytes.length;
    writer.appendBytes(compressed);
  }
  const sink: PageSink = {
    dictionary(bytes, count) {
      dictionaryStart = writer.offset;
      write(bytes, (compressed) => ({
        ...{ type: "DICTIONARY_PAGE", uncompressed_page_size: bytes.length, compressed_page_size: compressed },
        dictionary_page_header: { num_values: count, encoding: "PLAIN" },
      }));
    },
    page(bytes, count) {
      dataStart ??= writer.offset;
      pages += 1;
      const encoding = dictionaryStart === undefined ? "PLAIN" : "RLE_DICTIONARY";
      write(bytes, (compressed) => ({
        ...{ type: "DATA_PAGE_V2", uncompressed_page_size: bytes.length, compressed_page_size: compressed },
        data_page_header_v2: {
          ...{ num_values: count, num_rows: count, num_nulls: 0, encoding, is_compressed: true },
          ...{ definition_levels_byte_length: 0, repetition_levels_byte_length: 0 },
        },
      }));
    },
  };
  const bounds = encodeCells(column, rows, sink);
  const inDictionary = dictionaryStart !== undefined;
  return {
    file_offset: BigInt(start),
    meta_data: {
      ...{ type: physical[column.type], path_in_schema: [column.name], codec: "ZSTD" },
      encodings: inDictionary ? ["PLAIN", "RLE_DICTIONARY"] : ["PLAIN"],
      num_values: BigInt(rows.length),
      total_compressed_size: BigInt(writer.offset - start),
      total_uncompressed_size: BigInt(uncompressed),
      data_page_offset: BigInt(dataStart ?? start),
      ...(dictionaryStart !== undefined && { dictionary_page_offset: BigInt(dictionaryStart) }),
      statistics: { ...bounds, null_count: 0n },
      encoding_stats: [
        ...(inDictionary ? [{ page_type: "DICTIONARY_PAGE", encoding: "PLAIN", count: 1 } as const] : []),
        { page_type: "DATA_PAGE_V2", encoding: inDictionary ? "RLE_DICTIONARY" : "PLAIN", count: pages },
      ],
    },
  };
}
