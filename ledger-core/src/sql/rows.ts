import type { Knex } from "knex";
import { assert } from "../domain/errors.ts";
import { dialectOf, rowsPerStatement } from "./dialect.ts";

export type SqlValue = string | number | bigint | null;

/** Parameters for knex, whose types do not know that both of its drivers here take a bigint. */
export function bindings(values: readonly SqlValue[]): readonly Knex.RawBinding[] {
  assert(areBindings(values), "a parameter is text, a number, a bigint or NULL");
  return values;
}

function areBindings(values: readonly unknown[]): values is readonly Knex.RawBinding[] {
  return values.every(
    (value) => typeof value === "string" || typeof value === "bigint" || typeof value === "number" || value === null,
  );
}

/** The rows of a raw SELECT, alike from both engines. */
export async function selectRows<Row = Record<string, unknown>>(
  db: Knex,
  sql: string,
  values: readonly SqlValue[] = [],
): Promise<Row[]> {
  const result = await db.raw(sql, bindings(values));
  return dialectOf(db) === "sqlite" ? result : result[0];
}

/** The number of rows that an INSERT, UPDATE or DELETE affected. */
export async function affectedRows(db: Knex, sql: string, values: readonly SqlValue[]): Promise<number> {
  const result = await send(db, sql, values);
  return dialectOf(db) === "sqlite" ? result.changes : result[0].affectedRows;
}

/**
 * Sends a text and its parameters to the driver as they are: `raw` looks at each of a batch's thousands of parameters
 * for what knex could put in its place, which takes longer than SQLite takes for the rows.
 */
async function send(db: Knex, sql: string, values: readonly SqlValue[]) {
  const connection = await db.client.acquireConnection();
  try {
    const { response } = await db.client.query(connection, { sql, bindings: values, method: "raw" });
    return response;
  } finally {
    await db.client.releaseConnection(connection);
  }
}

/** Rows to be written: `put` places the values of the nth one from `at` on, in the order of their columns. */
export type RowSource = { readonly count: number; put(row: number, into: SqlValue[], at: number): void };

/** Rows that lie one after another as their values. */
export function valueRows(values: readonly SqlValue[], width: number): RowSource {
  return {
    count: values.length / width,
    put(row, into, at) {
      for (let column = 0; column < width; column++) into[at + column] = values[row * width + column] ?? null;
    },
  };
}

/**
 * Runs a text of many rows over rows of values, in as few statements as their widths allow.
 * @param text the statement for this many rows, whose parameters are their values
 */
export async function runRows(
  db: Knex,
  text: (rows: number) => string,
  width: number,
  source: RowSource,
): Promise<void> {
  const client = db.client;
  const connection = await client.acquireConnection();
  let sql = "";
  let part: SqlValue[] = [];
  try {
    for (const { from, rows } of chunks(db, source.count, rowsPerStatement(db))) {
      if (part.length !== rows * width) {
        sql = text(rows);
        part = new Array<SqlValue>(rows * width).fill(null);
      }
      for (let row = 0; row < rows; row++) source.put(from + row, part, row * width);
      if (dialectOf(db) === "sqlite") client.run(connection, sql, part);
      else await client.query(connection, { sql, bindings: part, method: "raw" });
    }
  } finally {
    await client.releaseConnection(connection);
  }
}

/**
 * Runs of at most `most`. On SQLite the rest comes one by one: two texts, which stay prepared. On MySQL, which prepares
 * none, it is one run: each statement is a round trip.
 */
export function* chunks(db: Knex, count: number, most: number): Iterable<Chunk> {
  let rows = most;
  for (let from = 0; from < count; from += rows) {
    if (rows > count - from) rows = dialectOf(db) === "mysql" ? count - from : 1;
    yield { from, rows };
  }
}

type Chunk = { readonly from: number; readonly rows: number };

/**
 * Faults that SQLite finds in its own file, among them indexes that do not match their tables; MySQL checks its own.
 */
export async function integrityFaults(db: Knex): Promise<string[]> {
  if (dialectOf(db) !== "sqlite") return [];
  const rows = await selectRows<{ integrity_check: string }>(db, "PRAGMA integrity_check(10)");
  return rows.map((row) => String(row.integrity_check)).filter((text) => text !== "ok");
}

/** The names of the tables of a database. */
export async function tableNames(db: Knex): Promise<readonly string[]> {
  const text =
    dialectOf(db) === "sqlite"
      ? "SELECT name FROM sqlite_schema WHERE type = 'table'"
      : "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()";
  return (await selectRows<{ name: string }>(db, text)).map(({ name }) => name);
}
