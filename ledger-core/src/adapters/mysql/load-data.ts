import { Readable } from "node:stream";
import type { Knex } from "knex";
import { LedgerError } from "../../domain/errors.ts";
import type { RowSource } from "../../sql/rows.ts";
import { rowTexts } from "./row-text.ts";

/**
 * Loads rows with one statement: the server reads them as they come, and parses no SQL. It has to allow `local_infile`.
 * @param fixed columns with one value for all rows, as SQL
 * @returns whether it does; if not, nothing was written
 * @throws poison_event when the server does not take a row as it is
 */
export async function loadRows(
  db: Knex,
  table: string,
  columns: readonly string[],
  source: RowSource,
  fixed: readonly { readonly column: string; readonly value: string }[] = [],
): Promise<boolean> {
  const { client } = db;
  const names = columns.map((column) => `\`${column}\``).join(", ");
  const same = fixed.map(({ column, value }) => `\`${column}\` = ${value}`).join(", ");
  const into = `LOAD DATA LOCAL INFILE 'rows' INTO TABLE \`${table}\` CHARACTER SET utf8mb4 (${names})`;
  const sql = same === "" ? into : `${into} SET ${same}`;
  const options = { infileStreamFactory: () => Readable.from(rowTexts(source, columns.length)) };
  const connection = await client.acquireConnection();
  try {
    const { response } = await client.query(connection, { sql, options, method: "raw" });
    const [{ affectedRows, warningStatus }] = response;
    // Of local data the server makes what it can: a row whose key is there already is left out with a warning.
    if (affectedRows !== source.count || warningStatus !== 0)
      throw new LedgerError("poison_event", `${table} does not take a row`);
    return true;
  } catch (error) {
    if (error instanceof Error && "errno" in error && notAllowed.has(Number(error.errno))) return false;
    throw error;
  } finally {
    await client.releaseConnection(connection);
  }
}

/** Servers without `local_infile` refuse the statement: MySQL 5 and old MariaDB, MySQL 8, MariaDB. */
const notAllowed: ReadonlySet<number> = new Set([1148, 3948, 4166]);
