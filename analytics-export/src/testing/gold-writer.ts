import { randomUUID } from "node:crypto";
import { parquetWriteBuffer } from "hyparquet-writer";
import { type GoldColumn, type GoldTableName, goldTables } from "ledger-core";
import { folderLake } from "../adapters/folder/folder-lake.ts";
import { type Action, commitPath, encodeCommit, PARQUET, PROTOCOL } from "../delta/actions.ts";
import { dayNumber } from "../delta/columns.ts";
import { readLog } from "../delta/log.ts";

type Cell = string | bigint | number | null;
export type WrittenRow = Readonly<Record<string, Cell>>;

type WrittenColumn = { readonly name: string; readonly type: GoldColumn };

/** The columns of a gold table as jobs write it: whose rows, then the rest. */
export function columnsOf(table: GoldTableName): readonly WrittenColumn[] {
  const { key, ofAccount } = goldTables[table];
  const columns: Readonly<Record<string, GoldColumn>> = goldTables[table].columns;
  const whose = ofAccount ? ["tenant", key] : [key];
  return [
    ...whose.map((name): WrittenColumn => ({ name, type: "text" })),
    ...Object.entries(columns).flatMap(([name, type]) => (whose.includes(name) ? [] : [{ name, type }])),
  ];
}

const parquetTypes = {
  text: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  whole: { type: "INT64" },
  number: { type: "DOUBLE" },
  date: { type: "INT32", converted_type: "DATE" },
} as const;
const deltaTypes = { text: "string", whole: "long", number: "double", date: "date" } as const;

/**
 * Replaces the rows of a gold table as a job's overwrite does: one Snappy file of nullable columns, in small row
 * groups.
 */
export async function writeGold(folder: string, table: GoldTableName, rows: readonly WrittenRow[]): Promise<void> {
  const path = `gold/${table}`;
  const lake = folderLake(folder, randomUUID);
  const columns = columnsOf(table);
  const { version, snapshot } = await readLog(lake, path, { files: true });
  const name = `part-00000-${randomUUID()}.snappy.parquet`;
  const bytes = new Uint8Array(
    parquetWriteBuffer({
      schema: [
        { name: "spark_schema", num_children: columns.length },
        ...columns.map(({ name, type }) => ({ name, repetition_type: "OPTIONAL", ...parquetTypes[type] }) as const),
      ],
      columnData: columns.map((column) => ({
        name: column.name,
        data: rows.map((row) => storedCell(column, row[column.name] ?? null)),
      })),
      rowGroupSize: 100,
      codec: "SNAPPY",
    }),
  );
  await lake.create(`${path}/${name}`, bytes);
  const fields = columns.map(({ name, type }) => ({ name, type: deltaTypes[type], nullable: true, metadata: {} }));
  const metaData = {
    ...{ id: randomUUID(), format: PARQUET, schemaString: JSON.stringify({ type: "struct", fields }) },
    ...{ partitionColumns: [], configuration: {}, createdTime: 0 },
  };
  const actions: Action[] = [
    ...(version < 0 ? [{ protocol: PROTOCOL }, { metaData }] : []),
    ...Array.from(snapshot.adds.keys(), (old) => ({ remove: { path: old, deletionTimestamp: 0, dataChange: true } })),
    {
      add: {
        ...{ path: name, partitionValues: {}, size: bytes.length, modificationTime: 0, dataChange: true },
        stats: JSON.stringify(statsOf(columns, rows)),
      },
    },
  ];
  await lake.create(commitPath(path, version + 1), encodeCommit("WRITE", 0, actions));
}

function storedCell({ type }: WrittenColumn, cell: Cell): Cell {
  return type === "date" && typeof cell === "string" ? dayNumber(cell) : cell;
}

function statsOf(columns: readonly WrittenColumn[], rows: readonly WrittenRow[]) {
  const texts = columns.filter(({ type }) => type === "text");
  const bounds = (of: "first" | "last") =>
    Object.fromEntries(
      texts.map(({ name }) => {
        const sorted = rows.map((row) => String(row[name])).sort();
        return [name, of === "first" ? sorted[0] : sorted.at(-1)];
      }),
    );
  return { numRecords: rows.length, minValues: bounds("first"), maxValues: bounds("last") };
}
