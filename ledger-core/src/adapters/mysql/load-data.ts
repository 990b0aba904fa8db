import { Readable } from "node:stream";
import type { Knex } from "knex";
import { LedgerError } from "../../domain/errors.ts";
import type { SqlValue } from "../../sql/rows.ts";

/**
 * Loads rows, given as their values, with one statement: the server reads them as they come, and parses no SQL. It has
 * to allow `local_infile`.
 * @returns whether it does; if not, nothing was written
 * @throws poison_event when the server does not take a row as it is
 */
export async function loadRows(
  db: Knex,
  table: string,
  columns: readonly string[],
  values: readonly SqlValue[],
): Promise<boolean> {
  const { client } = db;
  const connection = await client.acquireConnection();
  try {
    const [[setting]] = await run("SELECT @@local_infile AS allowed", {});
    if (Number(setting.allowed) !== 1) return false;
    const names = columns.map((column) => `\`${column}\``).join(", ");
    const text = `LOAD DATA LOCAL INFILE 'rows' INTO TABLE \`${table}\` CHARACTER SET utf8mb4 (${names})`;
    const [{ affectedRows, warningStatus }] = await run(text, {
      infileStreamFactory: () => Readable.from(parts(values, columns.length)),
    });
    // Of local data the server makes what it can: a row whose key is there already is left out with a warning.
    if (affectedRows !== values.length / columns.length || warningStatus !== 0)
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
function* parts(values: readonly SqlValue[], width: number): Iterable<Buffer> {
  for (let from = 0; from < values.length; from += ROWS_A_PART * width) {
    const end = Math.min(values.length, from + ROWS_A_PART * width);
    let text = "";
    for (let at = from; at < end; at++) text += field(values[at] ?? null) + ((at + 1) % width === 0 ? "\n" : "\t");
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
