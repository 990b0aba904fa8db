import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from "node:sqlite";

/** A cell that was changed behind everybody's back. */
export type PlantedChange = {
  readonly table: string;
  readonly column: string;
  readonly isKey: boolean;
  readonly key: string;
  readonly before: SQLOutputValue;
  readonly after: SQLInputValue;
};

type Cell = { readonly table: string; readonly column: string };

/** Every column of every table with rows in a SQLite file. */
export function cellsOf(file: string, skipped: readonly string[] = []): readonly Cell[] {
  const database = new DatabaseSync(file, { readOnly: true });
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  const cells = tables
    .map(({ name }) => String(name))
    .filter((name) => !name.startsWith("sqlite_") && !skipped.includes(name))
    .filter((name) => database.prepare(`SELECT 1 FROM ${name} LIMIT 1`).get() !== undefined)
    .flatMap((table) => columnsOf(database, table).map(({ name }) => ({ table, column: name })));
  database.close();
  return cells;
}

/** Changes one cell of a row drawn at random; tries others until the table takes the change. */
export function plantChange(file: string, { table, column }: Cell, next: (below: number) => number): PlantedChange {
  const database = new DatabaseSync(file, { readBigInts: true });
  try {
    const columns = columnsOf(database, table);
    const keys = columns.filter(({ pk }) => pk > 0).sort((one, other) => one.pk - other.pk);
    const names = keys.map(({ name }) => name);
    const rows = Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n);
    while (true) {
      const row = database.prepare(`SELECT * FROM ${table} ORDER BY ${names} LIMIT 1 OFFSET ${next(rows)}`).get() ?? {};
      const before = row[column] ?? null;
      const after = changed(before, next);
      const where = names.map((name) => `${name} = ?`).join(" AND ");
      const key = names.map((name) => row[name] ?? null);
      const update = database.prepare(`UPDATE OR IGNORE ${table} SET ${column} = ? WHERE ${where}`);
      if (update.run(after, ...key).changes === 0n) continue;
      return { table, column, isKey: names.includes(column), key: key.join("/"), before, after };
    }
  } finally {
    database.close();
  }
}

function columnsOf(database: DatabaseSync, table: string) {
  const rows = database.prepare(`SELECT name, pk FROM pragma_table_info('${table}')`).all();
  return rows.map(({ name, pk }) => ({ name: String(name), pk: Number(pk) }));
}

function changed(value: SQLOutputValue, next: (below: number) => number): SQLInputValue {
  if (value === null) return next(2) === 0 ? 0n : "";
  if (typeof value === "bigint" || typeof value === "number") return BigInt(value) + BigInt(1 + next(3));
  if (typeof value === "string") return value === "" || next(2) === 0 ? `${value} ` : value.slice(0, -1);
  const bytes = Uint8Array.from(value);
  const at = next(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << next(8));
  return bytes;
}
