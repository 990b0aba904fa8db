import type { Knex } from "knex";

/** MariaDB counts as MySQL. Only the files of this folder ask which of the two they talk to. */
export type Dialect = "sqlite" | "mysql";

export function dialectOf(db: Knex): Dialect {
  return db.client.dialect === "sqlite3" ? "sqlite" : "mysql";
}

/**
 * `id`: ASCII, compared by bytes, up to 40 characters. `word`: a short ASCII word. `name`: text that is indexed, up to
 * 255 characters. `text`: any length that an event can have. Both dialects compare and sort all of them by bytes.
 */
export type ColumnType = "id" | "word" | "name" | "text" | "int" | "bigint";

const columnTypes: Record<Dialect, Record<ColumnType, string>> = {
  sqlite: { id: "text", word: "text", name: "text", text: "text", int: "integer", bigint: "bigint" },
  mysql: {
    id: "varchar(40) character set ascii collate ascii_bin",
    word: "varchar(24) character set ascii collate ascii_bin",
    name: "varchar(255) character set utf8mb4 collate utf8mb4_bin",
    text: "mediumtext character set utf8mb4 collate utf8mb4_bin",
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
  },
): string[] {
  const list = (columns: readonly string[]) => columns.map((column) => `\`${column}\``).join(", ");
  const named = table.indexes.map((index) => ({
    name: `\`${indexName(table.name, index)}\``,
    columns: list(index),
  }));
  const body = [...table.definitions, `PRIMARY KEY (${list(table.key)})`];
  if (dialectOf(db) === "sqlite") {
    return [
      `CREATE TABLE IF NOT EXISTS \`${table.name}\` (${body.join(", ")}) WITHOUT ROWID`,
      ...named.map(({ name, columns }) => `CREATE INDEX IF NOT EXISTS ${name} ON \`${table.name}\` (${columns})`),
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

/** Rows of one statement: on MySQL bounded by the packet; on SQLite more rows save little. */
export function rowsPerStatement(db: Knex): number {
  return dialectOf(db) === "sqlite" ? 16 : 1024;
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

/**
 * A condition for the rows after a key, in the order of its columns, which walks the key's index. MySQL cannot use an
 * index for row values, and SQLite cannot for alternatives.
 */
export function beyondKey<Value>(
  db: Knex,
  key: readonly string[],
  read: (column: string) => Value,
): { readonly text: string; readonly values: readonly Value[] } {
  const values = key.map(read);
  const columns = key.map((column) => `\`${column}\``);
  if (dialectOf(db) === "sqlite") return { text: `(${columns.join()}) > (${columns.map(() => "?").join()})`, values };
  const either = columns.map((column, last) => {
    const equals = columns.slice(0, last).map((earlier) => `${earlier} = ?`);
    return `(${[...equals, `${column} > ?`].join(" AND ")})`;
  });
  return { text: `(${either.join(" OR ")})`, values: columns.flatMap((_, last) => values.slice(0, last + 1)) };
}

/**
 * The end of a SELECT that keeps its rows as they are until the transaction ends: `share` lets others do the same,
 * `update` nobody. SQLite needs no word: a transaction on its writing connection is alone from its beginning.
 */
export function lockText(db: Knex, lock: "share" | "update"): string {
  if (dialectOf(db) === "sqlite") return "";
  return lock === "share" ? " LOCK IN SHARE MODE" : " FOR UPDATE";
}

/**
 * Whether a join that walks one table in order, and for each of its rows another, is read in the order of both without
 * a sort. MySQL reads and sorts all of it before a LIMIT counts.
 */
export function joinsInOrder(db: Knex): boolean {
  return dialectOf(db) === "sqlite";
}

/** The text that counts which of these different keys a table has, and its parameters, for few or many thousands. */
export function keysText(
  db: Knex,
  table: string,
  key: string,
  keys: readonly number[],
): { readonly text: string; readonly values: readonly string[] } {
  const list = JSON.stringify(keys);
  if (dialectOf(db) === "sqlite") {
    const text = `SELECT COUNT(*) AS met FROM json_each(?) AS k JOIN \`${table}\` AS t ON t.\`${key}\` = k.value`;
    return { text, values: [list] };
  }
  // As parameters, thousands of numbers cost more than the rows.
  const text = `SELECT COUNT(*) AS met FROM \`${table}\` WHERE \`${key}\` IN (${list.slice(1, -1)})`;
  return { text, values: [] };
}
