import {
  type GoldCell,
  type GoldColumn,
  type GoldQuery,
  type GoldRow,
  type GoldTableName,
  goldTables,
  LedgerError,
} from "ledger-core";
import { dayText } from "../delta/columns.ts";
import type { Pseudonyms } from "../tables/pseudonyms.ts";

/** The columns that say whose rows a query asks for, with their values in the table. */
export function keyOf({ table, key }: GoldQuery, names: Pseudonyms): Readonly<Record<string, string>> {
  const { key: column } = goldTables[table];
  if ("text" in key) return { [column]: key.text };
  return { tenant: names.of("tenant", key.tenant), [column]: names.of("account", key.account) };
}

const DAY_MS = 86_400_000;

/**
 * A row as queries read it, from values as readers have them: whole numbers of any type, dates as days or as a Date.
 * @throws LedgerError row_unreadable when a value is of another type
 */
export function goldRowOf(table: GoldTableName, values: Readonly<Record<string, unknown>>): GoldRow {
  const columns: Readonly<Record<string, GoldColumn>> = goldTables[table].columns;
  const cells = Object.entries(columns).map(([column, type]): [string, GoldCell] => {
    const cell = cellOf(type, values[column] ?? null);
    if (cell === undefined) throw new LedgerError("row_unreadable", `${table} has another type in column ${column}`);
    return [column, cell];
  });
  return Object.fromEntries(cells);
}

function cellOf(type: GoldColumn, value: unknown): GoldCell | undefined {
  if (value === null) return null;
  switch (type) {
    case "text":
      return typeof value === "string" ? value : undefined;
    case "number":
      return typeof value === "number" && Number.isFinite(value) ? value : undefined;
    case "whole":
      if (typeof value === "bigint") return value;
      return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : undefined;
    case "date":
      if (typeof value === "number" && Number.isSafeInteger(value)) return dayText(value);
      if (value instanceof Date && Number.isFinite(value.getTime())) return dayText(value.getTime() / DAY_MS);
      return typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value) ? value : undefined;
    default:
      return type satisfies never;
  }
}

/** The rows that a query asks for, of all rows of its key. */
export function pageOf(rows: readonly GoldRow[], { table, from, to, order, limit }: GoldQuery): readonly GoldRow[] {
  const { order: column } = goldTables[table];
  const inside = rows.filter((row) => {
    const at = row[column];
    if (at === null || at === undefined) return false;
    return (from === undefined || at >= from) && (to === undefined || at < to);
  });
  const way = order === "asc" ? 1 : -1;
  return inside.sort((a, b) => way * compare(a[column] ?? 0n, b[column] ?? 0n)).slice(0, limit);
}

function compare(a: string | bigint | number, b: string | bigint | number): number {
  return a < b ? -1 : Number(a > b);
}
