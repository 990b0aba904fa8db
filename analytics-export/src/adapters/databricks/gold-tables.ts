import { type GoldColumn, type GoldQuery, type GoldRow, type GoldTables, goldTables } from "ledger-core";
import { goldRowOf, keyOf } from "../../gold/rows.ts";
import type { Pseudonyms } from "../../tables/pseudonyms.ts";
import { type RememberTuning, remembering } from "./remembered.ts";
import type { SqlParameter, Warehouse } from "./warehouse.ts";

/** A schema of Unity Catalog. */
export type GoldSchema = { readonly catalog: string; readonly schema: string };

export type GoldWarehouseOptions = GoldSchema & {
  readonly names: Pseudonyms;
  /** Default: a monotonic clock. */
  readonly nowMs?: () => number;
  /** Each field states its default. */
  readonly tuning?: Partial<RememberTuning>;
};

/** Reads gold tables by SQL on a warehouse: one statement per query, whose values are parameters. */
export function openGoldWarehouse(
  warehouse: Warehouse,
  { names, nowMs = () => performance.now(), tuning, ...place }: GoldWarehouseOptions,
): GoldTables {
  const read = async (query: GoldQuery) => {
    const { statement, parameters, columns } = statementOf(query, place, names);
    const rows = await warehouse.query(statement, parameters, query.limit);
    return rows?.map((cells) => rowOf(query, columns, cells));
  };
  return {
    rows: remembering(read, nowMs, tuning),
    pseudonymOf: async (account) => names.of("account", account),
    close: async () => undefined,
  };
}

function statementOf(query: GoldQuery, { catalog, schema }: GoldSchema, names: Pseudonyms) {
  const { table, from, to, order, limit } = query;
  const { order: orderedBy, columns: described } = goldTables[table];
  const columns = Object.keys(described);
  const text = (name: string, value: string): SqlParameter => ({ name, value, type: "STRING" });
  const key = Object.entries(keyOf(query, names));
  const conditions = key.map(([column], n) => `${quoted(column)} = :key${n}`);
  const parameters = key.map(([, value], n) => text(`key${n}`, value));
  const bound = (name: string, sign: string, value: string | undefined) => {
    if (value === undefined) return;
    conditions.push(`${quoted(orderedBy)} ${sign} :${name}`);
    parameters.push({ name, value, type: "DATE" });
  };
  bound("from", ">=", from);
  bound("to", "<", to);
  const statement =
    `SELECT ${columns.map(quoted).join(", ")} FROM ${[catalog, schema, table].map(quoted).join(".")} ` +
    `WHERE ${conditions.join(" AND ")} ORDER BY ${quoted(orderedBy)} ${order === "asc" ? "ASC" : "DESC"} ` +
    `LIMIT ${limit}`;
  return { statement, parameters, columns };
}

/** Names come from settings and from our own table of tables. */
function quoted(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

function rowOf({ table }: GoldQuery, columns: readonly string[], cells: readonly (string | null)[]): GoldRow {
  const types: Readonly<Record<string, GoldColumn>> = goldTables[table].columns;
  const values = columns.map((column, n) => [column, cellIn(types[column], cells[n] ?? null)]);
  return goldRowOf(table, Object.fromEntries(values));
}

/** Every cell arrives as text. One that does not fit stays text, which is then refused. */
function cellIn(type: GoldColumn | undefined, cell: string | null): string | bigint | number | null {
  if (cell === null) return null;
  if (type === "whole" && /^-?\d{1,19}$/.test(cell)) return BigInt(cell);
  if (type === "number" && cell.trim() !== "") return Number(cell);
  return cell;
}
