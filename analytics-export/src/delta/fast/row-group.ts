import type { ColumnChunk, PageHeader, ParquetType } from "hyparquet";
import type { ParquetWriter } from "hyparquet-writer";
import { writePageHeader } from "hyparquet-writer/src/datapage.js";
import type { CellType } from "../columns.ts";
import { noCell, type PlacedColumn, type RowGroupWriter, startRowGroup as startPlainly } from "../row-group.ts";
import { encodeColumn } from "./encode-cells.ts";
import type { EncodedColumn, Page } from "./encoded-column.ts";

const physical: Readonly<Record<CellType, ParquetType>> = {
  ...{ int: "INT32", date: "INT32", long: "INT64", timestamp: "INT64", string: "BYTE_ARRAY" },
};

/**
 * The fast lane of `startRowGroup`, in a quarter of its time: encodes cells as rows arrive, so that no row is kept, and
 * without a column of values, a byte array per text, or a check per value and pass. Knows only columns without nulls;
 * row-group.test.ts compares the two.
 */
export function startRowGroup(columns: readonly PlacedColumn[]): RowGroupWriter {
  if (columns.some(({ nullable }) => nullable)) return startPlainly(columns);
  const encoders = columns.map((column) => ({ column, encoder: encodeColumn(column) }));
  let count = 0;
  return {
    add(sources, cells) {
      count += sources.length;
      for (const { column, encoder } of encoders) encoder.add(sources, cells[column.place] ?? noCell);
    },
    held: () => encoders.reduce((sum, { encoder }) => sum + encoder.held(), 0),
    appendTo(parquet) {
      const start = parquet.writer.offset;
      const chunks = encoders.map(({ column, encoder }) => writeChunk(parquet, column, encoder.finish()));
      const uncompressed = chunks.reduce((sum, { meta_data }) => sum + (meta_data?.total_uncompressed_size ?? 0n), 0n);
      parquet.row_groups.push({
        ...{ columns: chunks, num_rows: BigInt(count), total_byte_size: uncompressed },
        total_compressed_size: BigInt(parquet.writer.offset - start),
      });
      parquet.num_rows += BigInt(count);
      count = 0;
    },
  };
}

function writeChunk({ writer }: ParquetWriter, column: PlacedColumn, encoded: EncodedColumn): ColumnChunk {
  const { dictionary, pages, bounds } = encoded;
  const start = writer.offset;
  let uncompressed = 0;
  function write(
    { compressed, length }: Page,
    header: Omit<PageHeader, "uncompressed_page_size" | "compressed_page_size">,
  ): void {
    const at = writer.offset;
    writePageHeader(writer, { ...header, uncompressed_page_size: length, compressed_page_size: compressed.length });
    uncompressed += writer.offset - at + length;
    writer.appendBytes(compressed);
  }
  if (dictionary)
    write(dictionary, {
      ...{ type: "DICTIONARY_PAGE", dictionary_page_header: { num_values: dictionary.values, encoding: "PLAIN" } },
    });
  const dataStart = writer.offset;
  const encoding = dictionary ? "RLE_DICTIONARY" : "PLAIN";
  for (const page of pages)
    write(page, {
      type: "DATA_PAGE_V2",
      data_page_header_v2: {
        ...{ num_values: page.values, num_rows: page.values, num_nulls: 0, encoding, is_compressed: true },
        ...{ definition_levels_byte_length: 0, repetition_levels_byte_length: 0 },
      },
    });
  return {
    file_offset: BigInt(start),
    meta_data: {
      ...{ type: physical[column.type], path_in_schema: [column.name], codec: "ZSTD" },
      encodings: dictionary ? ["PLAIN", "RLE_DICTIONARY"] : ["PLAIN"],
      num_values: BigInt(pages.reduce((sum, { values }) => sum + values, 0)),
      total_compressed_size: BigInt(writer.offset - start),
      total_uncompressed_size: BigInt(uncompressed),
      data_page_offset: BigInt(dataStart),
      ...(dictionary && { dictionary_page_offset: BigInt(start) }),
      statistics: { ...bounds, null_count: 0n },
      encoding_stats: [
        ...(dictionary ? [{ page_type: "DICTIONARY_PAGE", encoding: "PLAIN", count: 1 } as const] : []),
        { page_type: "DATA_PAGE_V2", encoding, count: pages.length },
      ],
    },
  };
}
