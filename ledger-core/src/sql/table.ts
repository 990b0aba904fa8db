import type { Knex } from "knex";
import { assert } from "../domain/errors.ts";
import { type ColumnType, columnType, createTexts, onConflict, rowsPerStatement, updateText } from "./dialect.ts";
import { affectedRows, type SqlValue } from "./rows.ts";

/** A table, described once: its CREATE, its inserts and its comparison all follow from this. */
export type Table<Row> = {
  readonly name: string;
  /** Every column and its type; a `?` at the end allows NULL. */
  readonly columns: { readonly [Column in keyof Row & string]: ColumnType | `${ColumnType}?` };
  readonly key: readonly (keyof Row & string)[];
  /** One that begins with a column that may be NULL is of the other rows alone. */
  readonly indexes: readonly (readonly (keyof Row & string)[])[];
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
  const sparse = columnsOf(table).filter((column) => table.columns[column].endsWith("?"));
  const name = table.name + suffix;
  for (const text of createTexts(db, { name, definitions, key, indexes, sparse })) await db.raw(text);
}

function definition(db: Knex, declared: ColumnType | `${ColumnType}?`): string {
  const type = declared.replace("?", "");
  assert(isColumnType(type), `${type} is a column type`);
  return columnType(db, type) + (declared.endsWith("?") ? "" : " NOT NULL");
}

function isColumnType(type: string): type is ColumnType {
  return ["id", "word", "name", "text", "day", "int", "bigint"].includes(type);
}

/**
 * Inserts rows, many a statement; where a key is there already, `conflict` says what becomes of the columns it names.
 */
export async function insertRows<Row extends object>(
  db: Knex,
  table: Table<Row>,
  suffix: string,
  rows: readonly Row[],
  conflict?: { readonly replace?: readonly (keyof Row & string)[]; readonly add?: readonly (keyof Row & string)[] },
): Promise<void> {
  const columns = columnsOf(table);
  const names = columns.map((column) => `\`${column}\``).join(", ");
  const head = `INSERT INTO \`${table.name}${suffix}\` (${names}) VALUES `;
  const one = `(${columns.map(() => "?").join()})`;
  const tail = conflict ? onConflict(db, table.key, conflict) : "";
  for (const chunk of chunks(rows, rowsPerStatement(db, columns.length))) {
    const values: SqlValue[] = [];
    for (const row of chunk) for (const column of columns) values.push(toValue(row[column]));
    await affectedRows(db, `${head}${`${one},`.repeat(chunk.length - 1)}${one}${tail}`, values);
  }
}

/** Sets one column of the rows of these keys. @returns how many rows there were */
export async function updateColumn<Row>(
  db: Knex,
  table: Table<Row>,
  suffix: string,
  column: keyof Row & string,
  values: ReadonlyMap<string, string | bigint>,
): Promise<number> {
  const [key] = table.key;
  assert(key !== undefined && table.key.length === 1, `${table.name} has a key of one column`);
  let met = 0;
  for (const chunk of chunks([...values], rowsPerStatement(db, 2))) {
    met += await affectedRows(db, updateText(db, table.name + suffix, key, column, chunk.length), chunk.flat());
  }
  return met;
}

/**
 * Runs of at most `most` (a power of two), then ever smaller powers of two: few statement texts, and so few to prepare.
 */
export function* chunks<Item>(items: readonly Item[], most: number): Iterable<readonly Item[]> {
  let size = most;
  for (let from = 0; from < items.length; from += size) {
    while (size > items.length - from) size /= 2;
    yield items.slice(from, from + size);
  }
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
