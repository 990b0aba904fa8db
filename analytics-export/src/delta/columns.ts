import { Buffer } from "node:buffer";
import type { SchemaElement } from "hyparquet";

/**
 * A cell as tables write it: whole numbers for `int` and `date` (days since 1970), bigint or safe whole numbers for
 * `long` and `timestamp`.
 */
export type Cell = string | number | bigint | null;
/** The cells of a row, in the order of the table's columns. A `long` or `timestamp` is a bigint. */
export type Row = readonly Cell[];

/** Writes a text straight into a page, in ASCII: no string of it is made. */
export type TextWriter<Source> = {
  /** The most bytes of a text. */
  readonly most: number;
  /** Writes the text of a source from `at` on. @returns its end */
  write(source: Source, into: Uint8Array, at: number): number;
};
export type CellOf<Source> = ((source: Source) => Cell) | TextWriter<Source>;

/** The cells of sources that are a row each, in the order of the table's columns. */
export type CellsOf<Source> = readonly CellOf<Source>[];

/** A function that gives the cells, also of a writer. */
export function cellFunction<Source>(cell: CellOf<Source>): (source: Source) => Cell {
  if (typeof cell === "function") return cell;
  const bytes = Buffer.alloc(cell.most);
  return (source) => bytes.toString("latin1", 0, cell.write(source, bytes, 0));
}

export type CellType = "int" | "long" | "string" | "date" | "timestamp";
export type Column = {
  readonly name: string;
  readonly type: CellType;
  readonly nullable?: true;
  /** For people who read the table. */
  readonly about: string;
};

/** Columns are only ever added, at the end and nullable: earlier files do not have them. */
export type TableShape = {
  readonly name: string;
  readonly columns: readonly Column[];
  /** The column that partitions the table; a `date`. */
  readonly partition: string;
  /** Whole-number columns with bounds in the log of the table, so that readers can skip files. */
  readonly bounded: readonly string[];
};

/** The columns that data files hold: all but the partition's, which the file's path and its entry in the log give. */
export function storedColumns({ columns, partition }: TableShape): readonly Column[] {
  return columns.filter(({ name }) => name !== partition);
}

/** The cells of the table's rows. */
export function rowCells({ columns }: TableShape): CellsOf<Row> {
  return columns.map((_, place) => (row: Row) => row[place] ?? null);
}

/** The table's schema as Delta keeps it, in Spark's JSON. */
export function deltaSchema({ columns }: TableShape): string {
  const fields = columns.map(({ name, type, nullable, about }) => ({
    name,
    type: type === "int" ? "integer" : type,
    nullable: nullable ?? false,
    metadata: { comment: about },
  }));
  return JSON.stringify({ type: "struct", fields });
}

const physical: Readonly<Record<CellType, Omit<SchemaElement, "name">>> = {
  int: { type: "INT32" },
  long: { type: "INT64" },
  string: { type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } },
  date: { type: "INT32", converted_type: "DATE", logical_type: { type: "DATE" } },
  timestamp: {
    type: "INT64",
    converted_type: "TIMESTAMP_MICROS",
    logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" },
  },
};

/** The schema of a data file. */
export function parquetSchema(columns: readonly Column[]): SchemaElement[] {
  return [
    { name: "root", num_children: columns.length },
    ...columns.map(({ name, type, nullable }): SchemaElement => {
      return { name, repetition_type: nullable ? "OPTIONAL" : "REQUIRED", ...physical[type] };
    }),
  ];
}

const DAY_MS = 86_400_000;

/** `2026-11-27` as days since 1970. */
export function dayNumber(date: string): number {
  return Math.floor(Date.parse(`${date}T00:00:00Z`) / DAY_MS);
}

export function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}
