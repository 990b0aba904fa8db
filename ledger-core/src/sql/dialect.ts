import type { Knex } from "knex";

/** MariaDB counts as MySQL. Only the files of this folder ask which of the two they talk to. */
export type Dialect = "sqlite" | "mysql";

export function dialectOf(db: Knex): Dialect {
  return db.client.dialect === "sqlite3" ? "sqlite" : "mysql";
}

/**
 * `id`: ASCII, compared by bytes, up to 40 characters. `word`: a short ASCII word. `name`: text that is indexed, up to
 * 255 characters. `text`: any length that an event can have. `day`: 2026-11-22. Both dialects compare and sort all of
 * them by bytes.
 */
export type ColumnType = "id" | "word" | "name" | "text" | "day" | "int" | "bigint";

const columnTypes: Record<Dialect, Record<ColumnType, string>> = {
  sqlite: { id: "text", word: "text", name: "text", text: "text", day: "text", int: "integer", bigint: "bigint" },
  mysql: {
    id: "varchar(40) character set ascii collate ascii_bin",
    word: "varchar(24) character set ascii collate ascii_bin",
    name: "varchar(255) character set utf8mb4 collate utf8mb4_bin",
    text: "mediumtext character set utf8mb4 collate utf8mb4_bin",
    day: "char(10) character set ascii collate ascii_bin",
    int: "int",
    bigint: "bigint",
  },
};

export function columnType(db: Knex, type: ColumnType): string {
  return columnTypes[dialectOf(db)][type];
}

/** The statements that create a table whose rows lie in the order of its primary key, and its indexes. */
export function createTexts(
  db: Knex,
  table: {
    readonly name: string;
    readonly definitions: readonly string[];
    readonly key: readonly string[];
    readonly indexes: readonly (readonly string[])[];
    /** Columns that may be NULL: an index that begins with one leaves those rows out where the database can. */
    readonly sparse: readonly string[];
  },
): string[] {
  const list = (columns: readonly string[]) => columns.map((column) => `\`${column}\``).join(", ");
  const named = table.indexes.map((index) => ({
    name: `\`${indexName(table.name, index)}\``,
    columns: list(index),
    where: table.sparse.includes(index[0] ?? "") ? ` WHERE \`${index[0]}\` IS NOT NULL` : "",
  }));
  const body = [...table.definitions, `PRIMARY KEY (${list(table.key)})`];
  if (dialectOf(db) === "sqlite") {
    return [
      `CREATE TABLE IF NOT EXISTS \`${table.name}\` (${body.join(", ")}) WITHOUT ROWID`,
      ...named.map(
        ({ name, columns, where }) => `CREATE INDEX IF NOT EXISTS ${name} ON \`${table.name}\` (${columns})${where}`,
      ),
    ];
  }
  body.push(...named.map(({ name, columns }) => `INDEX ${name} (${columns})`));
  return [`CREATE TABLE IF NOT EXISTS \`${table.name}\` (${body.join(", ")}) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`];
}

/** The name of a table's index on these columns. */
function indexName(table: string, columns: readonly string[]): string {
  return `${table}_by_${columns.join("_")}`;
}

/**
 * A table for FROM, to be walked along its index on these columns, or along its primary key. Where a filter, an order
 * and a limit meet, both planners at times take another index and read a whole history to find a page.
 */
export function viaIndex(db: Knex, table: string, columns: readonly string[] | "primary key", alias = table): Knex.Raw {
  const sqlite = dialectOf(db) === "sqlite";
  if (columns === "primary key") return db.raw(sqlite ? "?? AS ??" : "?? AS ?? FORCE INDEX (PRIMARY)", [table, alias]);
  const text = sqlite ? "?? AS ?? INDEXED BY ??" : "?? AS ?? FORCE INDEX (??)";
  return db.raw(text, [table, alias, indexName(table, columns)]);
}

/** Rows of one statement, a power of two: bounded by SQLite's 32,766 parameters, and on MySQL by the packet. */
export function rowsPerStatement(db: Knex, columns: number): number {
  const most = dialectOf(db) === "sqlite" ? Math.min(64, 32_000 / columns) : 1024;
  return 2 ** Math.floor(Math.log2(most));
}

/** How an INSERT continues when its key exists: `replace` takes the new value, `add` the sum of old and new. */
export function onConflict(
  db: Knex,
  key: readonly string[],
  change: { readonly replace?: readonly string[]; readonly add?: readonly string[] },
): string {
  const sqlite = dialectOf(db) === "sqlite";
  const fresh = (column: string) => (sqlite ? `excluded.\`${column}\`` : `VALUES(\`${column}\`)`);
  const set = [
    ...(change.replace ?? []).map((column) => `\`${column}\` = ${fresh(column)}`),
    ...(change.add ?? []).map((column) => `\`${column}\` = \`${column}\` + ${fresh(column)}`),
  ].join(", ");
  return sqlite
    ? ` ON CONFLICT (${key.map((column) => `\`${column}\``).join(", ")}) DO UPDATE SET ${set}`
    : ` ON DUPLICATE KEY UPDATE ${set}`;
}

/** The text that sets one column of `rows` rows by their key; its parameters are key, value, key, value. */
export function updateText(db: Knex, table: string, key: string, column: string, rows: number): string {
  if (dialectOf(db) === "sqlite") {
    const values = Array.from({ length: rows }, () => "(?, ?)").join(", ");
    const set = `UPDATE \`${table}\` SET \`${column}\` = v.column2 FROM (VALUES ${values}) AS v`;
    return `${set} WHERE \`${table}\`.\`${key}\` = v.column1`;
  }
  const values = Array.from({ length: rows }, (_, row) => (row === 0 ? "SELECT ? AS k, ? AS v" : "SELECT ?, ?"));
  return `UPDATE \`${table}\` t JOIN (${values.join(" UNION ALL ")}) n ON t.\`${key}\` = n.k SET t.\`${column}\` = n.v`;
}

/** A table for FROM that consists of parameters, row by row: ids in each of its columns. */
export function derivedRows(db: Knex, columns: readonly string[], rows: number): string {
  if (dialectOf(db) === "sqlite") {
    const values = Array.from({ length: rows }, () => `(${columns.map(() => "?").join(", ")})`).join(", ");
    const named = columns.map((column, n) => `column${n + 1} AS \`${column}\``).join(", ");
    return `(SELECT ${named} FROM (VALUES ${values}))`;
  }
  // In the character set of ids: compared in another one, no index on them is used.
  const one = columns.map((column) => `CONVERT(? USING ascii) COLLATE ascii_bin AS \`${column}\``).join(", ");
  return `(${Array.from({ length: rows }, () => `SELECT ${one}`).join(" UNION ALL ")})`;
}

/**
 * The end of a SELECT that keeps its rows as they are until the transaction ends: `share` lets others do the same,
 * `update` nobody. SQLite needs no word: a transaction on its writing connection is alone from its beginning.
 */
export function lockText(db: Knex, lock: "share" | "update"): string {
  if (dialectOf(db) === "sqlite") return "";
  return lock === "share" ? " LOCK IN SHARE MODE" : " FOR UPDATE";
}
