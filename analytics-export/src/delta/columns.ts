import type { SchemaElement } from "hyparquet";

/** A cell as tables write it: bigint for `long`, whole numbers for `int`, `date` (days since 1970) and `timestamp`. */
export type Cell = string | number | bigint | null;
/** The cells of a row, in the order of the table's columns. */
export type Row = readonly Cell[];

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
