import type { Knex } from "knex";
import { assert } from "../domain/errors.ts";
import { dialectOf } from "./dialect.ts";

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

/**
 * Faults that SQLite finds in its own file, among them indexes that do not match their tables; MySQL checks its own.
 */
export async function integrityFaults(db: Knex): Promise<string[]> {
  if (dialectOf(db) !== "sqlite") return [];
  const rows = await selectRows<{ integrity_check: string }>(db, "PRAGMA integrity_check(10)");
  return rows.map((row) => String(row.integrity_check)).filter((text) => text !== "ok");
}
