import {
  type AccountId,
  type GoldRow,
  type GoldTableName,
  type GoldTables,
  LedgerError,
  type Position,
} from "ledger-core";
import { readingGold } from "../gold.ts";

type ReportTable = Extract<GoldTableName, `merchant_${string}`>;

/** How far a report is: the positions that it rests on, and the last date that no later event changes. */
export type ReportExtent = { readonly positions: readonly Position[]; readonly completeTo: string | null };

type ReportPage = {
  readonly table: ReportTable;
  readonly merchant: { readonly tenant: string; readonly account: AccountId };
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly order: "asc" | "desc";
  readonly limit: number;
  /** The date of the previous page's last row. */
  readonly after: string | undefined;
};

const SHARDS_MAX = 1024;

/**
 * How far a report is; undefined if none was made yet. Jobs write it after the report, so read it before.
 * @param shards all must be in it for any date to be final
 */
export async function readExtent(
  gold: GoldTables,
  table: ReportTable,
  shards: number,
): Promise<ReportExtent | undefined> {
  const query = { table: "report_positions", key: { text: table }, order: "asc", limit: SHARDS_MAX } as const;
  const rows = await readingGold(() => gold.rows(query));
  if (!rows || rows.length === 0) return undefined;
  const positions = rows.map((row) => ({ shard: wholeIn(row, "shard"), revision: wholeIn(row, "position") }));
  const dates = rows.map((row) => (row.complete_to === null ? null : textIn(row, "complete_to")));
  const known = new Set(positions.map(({ shard }) => shard));
  const isWhole = Array.from({ length: shards }, (_, shard) => shard).every((shard) => known.has(shard));
  const [first = null] = dates.includes(null) ? [] : dates.sort();
  return { positions, completeTo: isWhole ? first : null };
}

/** One page of a merchant's report, and the date of its last row if more follow. */
export async function listReport(
  gold: GoldTables,
  { table, merchant, from, to, order, limit, after }: ReportPage,
): Promise<{ readonly rows: readonly GoldRow[]; readonly last: string | null }> {
  const range = {
    from: order === "asc" && after !== undefined ? dayAfter(after) : from,
    to: order === "desc" && after !== undefined ? after : to,
  };
  const query = { table, key: merchant, ...range, order, limit: limit + 1 } as const;
  const rows = (await readingGold(() => gold.rows(query))) ?? [];
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { rows: page, last: rows.length > limit && last ? dateIn(last) : null };
}

/** The day, or the first day of the month, of a report's row. */
export function dateIn(row: GoldRow): string {
  return textIn(row, row.date === undefined ? "month" : "date");
}

const DAY_MS = 86_400_000;

function dayAfter(date: string): string {
  return new Date(Date.parse(date) + DAY_MS).toISOString().slice(0, 10);
}

/** The last day of a month that is given by its first. */
export function endOfMonth(first: string): string {
  const [year = 0, month = 0] = first.split("-").map(Number);
  const end = new Date(0);
  end.setUTCFullYear(year, month, 0);
  return end.toISOString().slice(0, 10);
}

/** @throws LedgerError store_unavailable when the cell is empty */
export function textIn(row: GoldRow, column: string): string {
  const cell = row[column];
  if (typeof cell !== "string") throw unreadable(column);
  return cell;
}

/** @throws LedgerError store_unavailable when the cell is empty */
export function wholeIn(row: GoldRow, column: string): number {
  const cell = Number(row[column] ?? Number.NaN);
  if (!Number.isSafeInteger(cell)) throw unreadable(column);
  return cell;
}

function unreadable(column: string): LedgerError {
  return new LedgerError("store_unavailable", `gold tables: column ${column} of a row is empty or out of range`);
}
