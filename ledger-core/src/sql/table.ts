import type { Knex } from "knex";
import { loadRows } from "../adapters/mysql/load-data.ts";
import { assert } from "../domain/errors.ts";
import {
  type ColumnType,
  columnType,
  createTexts,
  dialectOf,
  keysText,
  onConflict,
  rowsPerStatement,
  updateText,
} from "./dialect.ts";
import { affectedRows, chunks, type RowSource, runRows, type SqlValue, selectRows, valueRows } from "./rows.ts";

/** A table, described once: its CREATE, its inserts and its comparison all follow from this. */
export type Table<Row> = {
  readonly name: string;
  /** Every column and its type; a `?` at the end allows NULL. */
  readonly columns: { readonly [Column in keyof Row & string]: ColumnType | `${ColumnType}?` };
  readonly key: readonly (keyof Row & string)[];
  readonly indexes: readonly (readonly (keyof Row & string)[])[];
};

/** A row to be written: a BIGINT may be given as a number. */
export type Written<Row> = {
  readonly [Column in keyof Row]: bigint extends Row[Column] ? Row[Column] | number : Row[Column];
};

function columnsOf<Row>(table: Table<Row>): (keyof Row & string)[] {
  const names: (keyof Row & string)[] = [];
  let name: keyof Row & string;
  for (name in table.columns) names.push(name);
  return names;
}

/** Creates a table and its indexes, under its name and a suffix. */
export async function createTable<Row>(db: Knex, table: Table<Row>, suffix = ""): Promise<void> {
  const definitions = columnsOf(table).map((column) => `\`${column}\` ${definition(db, table.columns[column])}`);
  const { key, indexes } = table;
  const name = table.name + suffix;
  for (const text of createTexts(db, { name, definitions, key, indexes })) await db.raw(text);
}

function definition(db: Knex, declared: ColumnType | `${ColumnType}?`): string {
  const type = declared.replace("?", "");
  assert(isColumnType(type), `${type} is a column type`);
  return columnType(db, type) + (declared.endsWith("?") ? "" : " NOT NULL");
}

function isColumnType(type: string): type is ColumnType {
  return ["id", "word", "name", "text", "int", "bigint"].includes(type);
}

/** From this many rows on, MySQL loads them faster from a stream than from a statement's text. */
const LOAD_ROWS_MIN = 200;

type Conflict<Row> = {
  readonly replace?: readonly (keyof Row & string)[];
  readonly add?: readonly (keyof Row & string)[];
};

type InsertOptions<Row> = {
  /** When a key is there already, what becomes of the columns that this names. */
  readonly conflict?: Conflict<Row>;
  /** Columns that have one value in all of the rows: part of the statement, so that no row has to bind them. */
  readonly fixed?: { readonly [Column in keyof Row & string]?: number | null };
};

/** Inserts rows, many per statement. Rows in the order of the key are the fastest. */
export async function insertRows<Row extends object>(
  db: Knex,
  table: Table<Row>,
  suffix: string,
  rows: readonly Written<Row>[],
  conflict?: Conflict<Row>,
): Promise<void> {
  const columns = columnsOf(table);
  const values: SqlValue[] = [];
  for (const row of rows) for (const column of columns) values.push(toValue(row[column]));
  await insertValues(db, table, suffix, valueRows(values, columns.length), conflict ? { conflict } : {});
}

/** As `insertRows`, of rows as their values in the order of the table's columns, without those that are fixed. */
export async function insertValues<Row extends object>(
  db: Knex,
  table: Table<Row>,
  suffix: string,
  source: RowSource,
  { conflict, fixed = {} }: InsertOptions<Row> = {},
): Promise<void> {
  if (source.count === 0) return;
  const columns = columnsOf(table).filter((column) => !(column in fixed));
  const name = table.name + suffix;
  const same = Object.entries(fixed).map(([column, value]) => ({ column, value: literal(value) }));
  const many = source.count >= LOAD_ROWS_MIN;
  if (many && !conflict && dialectOf(db) === "mysql" && (await loadRows(db, name, columns, source, same))) return;
  const names = [...same.map(({ column }) => column), ...columns].map((column) => `\`${column}\``).join(", ");
  const head = `INSERT INTO \`${name}\` (${names}) VALUES `;
  const one = `(${[...same.map(({ value }) => value), ...columns.map(() => "?")].join()})`;
  const tail = conflict ? onConflict(db, table.key, conflict) : "";
  const text = (rows: number) => `${head}${`${one},`.repeat(rows - 1)}${one}${tail}`;
  await runRows(db, text, columns.length, source);
}

function literal(value: unknown): string {
  assert(value === null || Number.isSafeInteger(value), "a fixed column holds a whole number or NULL");
  return value === null ? "NULL" : String(value);
}

/** Sets one column of the rows of these keys. @returns how many rows there were */
export async function updateColumn<Row>(
  db: Knex,
  table: Table<Row>,
  suffix: string,
  column: keyof Row & string,
  values: ReadonlyMap<string | number, string | number | bigint>,
): Promise<number> {
  const [key] = table.key;
  assert(key !== undefined && table.key.length === 1, `${table.name} has a key of one column`);
  let met = 0;
  const pairs = [...values];
  for (const { from, rows } of chunks(db, pairs.length, rowsPerStatement(db))) {
    const chunk = pairs.slice(from, from + rows);
    met += await affectedRows(db, updateText(db, table.name + suffix, key, column, chunk.length), chunk.flat());
  }
  return met;
}

const KEYS_PER_STATEMENT = 4096;

/** How many of these different keys, of one column, a table has. */
export async function existingKeys<Row>(
  db: Knex,
  table: Table<Row>,
  suffix: string,
  keys: readonly number[],
): Promise<number> {
  const [key] = table.key;
  assert(key !== undefined && table.key.length === 1, `${table.name} has a key of one column`);
  assert(keys.every(Number.isSafeInteger), "a key is a whole number");
  let met = 0;
  for (let from = 0; from < keys.length; from += KEYS_PER_STATEMENT) {
    const these = keys.slice(from, from + KEYS_PER_STATEMENT);
    const { text, values } = keysText(db, table.name + suffix, key, these);
    const [row] = await selectRows<{ met: bigint }>(db, text, values);
    met += Number(row?.met);
  }
  return met;
}

function toValue(value: unknown): SqlValue {
  switch (typeof value) {
    case "string":
    case "number":
    case "bigint":
      return value;
    default:
      assert(value === null, "a column holds text, a whole number or NULL");
      return null;
  }
}
