import { Readable } from "node:stream";
import type { Knex } from "knex";
import { LedgerError } from "../../domain/errors.ts";
import type { RowSource, SqlValue } from "../../sql/rows.ts";

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
  const connection = await client.acquireConnection();
  try {
    const [[setting]] = await run("SELECT @@local_infile AS allowed", {});
    if (Number(setting.allowed) !== 1) return false;
    const names = columns.map((column) => `\`${column}\``).join(", ");
    const same = fixed.map(({ column, value }) => `\`${column}\` = ${value}`).join(", ");
    const into = `LOAD DATA LOCAL INFILE 'rows' INTO TABLE \`${table}\` CHARACTER SET utf8mb4 (${names})`;
    const text = same === "" ? into : `${into} SET ${same}`;
    const [{ affectedRows, warningStatus }] = await run(text, {
      infileStreamFactory: () => Readable.from(parts(source, columns.length)),
    });
    // Of local data the server makes what it can: a row whose key is there already is left out with a warning.
    if (affectedRows !== source.count || warningStatus !== 0)
      throw new LedgerError("poison_event", `${table} does not take a row`);
    return true;
  } finally {
    await client.releaseConnection(connection);
  }

  async function run(sql: string, options: object) {
    const { response } = await client.query(connection, { sql, options, method: "raw" });
    return response;
  }
}

const ROWS_A_PART = 1000;

/** Rows as LOAD DATA reads them by default: tabs between fields, a line feed behind a row. */
function* parts(source: RowSource, width: number): Iterable<Buffer> {
  const row = new Array<SqlValue>(width).fill(null);
  for (let from = 0; from < source.count; from += ROWS_A_PART) {
    let text = "";
    for (let at = from; at < Math.min(source.count, from + ROWS_A_PART); at++) {
      source.put(at, row, 0);
      text += `${row.map(field).join("\t")}\n`;
    }
    yield Buffer.from(text);
  }
}

function field(value: SqlValue): string {
  if (value === null) return "\\N";
  return typeof value === "string" ? value.replace(/[\\\t\n\0]/g, escaped) : `${value}`;
}

function escaped(character: string): string {
  return character === "\0" ? "\\0" : `\\${character}`;
}
