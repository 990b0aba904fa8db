import type { Knex } from "knex";
import type { AccountId, Amount, EntryRow, Micros } from "ledger-core";
import { along, type View } from "./view.ts";

export type EntryFilters = {
  readonly from: Micros | undefined;
  readonly to: Micros | undefined;
  readonly type: string | undefined;
  readonly minAmount: Amount | undefined;
  readonly maxAmount: Amount | undefined;
  readonly reference: string | undefined;
};

/** The place of an entry in its account's history. Many entries may share an instant, so the instant alone is no place. */
export type EntryKey = { readonly bookedAt: bigint; readonly revision: bigint; readonly idx: number };

export type EntryPage = {
  readonly limit: number;
  readonly order: "asc" | "desc";
  readonly after: EntryKey | undefined;
};

/**
 * How many entries one page looks at for those of a type or amount. A filter that hardly any entry meets then costs many cheap pages instead
 * of one that reads the whole history; an index for each would cost every payment instead.
 */
export const SCAN_MAX = 5000;

/**
 * One page of an account's entries, one statement, walking one index from the page's first row to its last.
 * Booked time never falls along revisions, so every index gives the same order.
 * @returns `last` the key to go on after; null when this page ends the history. A page may be short, even empty, and have one.
 */
export async function listEntries(
  view: View,
  account: AccountId,
  filters: EntryFilters,
  page: EntryPage,
): Promise<{ rows: readonly EntryRow[]; last: EntryKey | null }> {
  const scanned = await scanEnd(view, account, filters, page);
  const query = matching(view, account, filters, page);
  const { type, minAmount, maxAmount } = filters;
  if (type !== undefined) query.where({ type });
  if (minAmount !== undefined)
    query.where((sides) => sides.where("amount", ">=", minAmount).orWhere("amount", "<=", -minAmount));
  if (maxAmount !== undefined) query.where("amount", "<=", maxAmount).where("amount", ">=", -maxAmount);
  if (scanned) {
    const way = page.order === "desc" ? ">" : "<";
    query.where((where: Where) => bounded(where, way, scanned, { own: true, time: byTime(filters) }));
  }
  const rows = await query.limit(page.limit + 1);
  if (rows.length <= page.limit) return { rows, last: scanned ?? null };
  const taken = rows.slice(0, page.limit);
  const last = taken.at(-1);
  return { rows: taken, last: last ? keyOf(last) : null };
}

/** The entry that this page's scan ends at; undefined when the history ends before, or when every row walked over is a row found. */
async function scanEnd(
  view: View,
  account: AccountId,
  filters: EntryFilters,
  page: EntryPage,
): Promise<EntryKey | undefined> {
  if (filters.type === undefined && filters.minAmount === undefined && filters.maxAmount === undefined)
    return undefined;
  const row = await matching(view, account, filters, page)
    .offset(SCAN_MAX - 1)
    .first("booked_at", "revision", "idx");
  return row && keyOf(row);
}

/** The entries that an index alone finds, in order, from the page's beginning. */
function matching(view: View, account: AccountId, filters: EntryFilters, page: EntryPage) {
  const { reference, from, to } = filters;
  const query = along<EntryRow>(view, "entries", indexFor(filters)).where({ account });
  if (reference !== undefined) query.where({ reference });
  if (from !== undefined) query.where("booked_at", ">=", BigInt(from));
  if (to !== undefined) query.where("booked_at", "<", BigInt(to));
  const { after } = page;
  if (after) {
    const way = page.order === "desc" ? "<" : ">";
    query.where((where: Where) => bounded(where, way, after, { own: false, time: byTime(filters) }));
  }
  if (byTime(filters)) query.orderBy("booked_at", page.order);
  return query.orderBy("revision", page.order).orderBy("idx", page.order);
}

function indexFor({ reference, from, to }: EntryFilters) {
  if (reference !== undefined) return ["account", "reference", "booked_at", "revision", "idx"];
  if (from !== undefined || to !== undefined) return ["account", "booked_at", "revision", "idx"];
  return "primary key";
}

function byTime(filters: EntryFilters): boolean {
  return indexFor(filters) !== "primary key";
}

type Where = Knex.QueryBuilder<EntryRow>;

/**
 * Rows before a key or after it, its own row left out or not. Spelled without row values, of which MySQL makes no range: the first condition
 * is the range that is walked, the others drop a few rows at its end.
 */
function bounded(where: Where, way: "<" | ">", key: EntryKey, options: { own: boolean; time: boolean }): void {
  const range = way === "<" ? "<=" : ">=";
  if (options.time) where.where("booked_at", range, key.bookedAt);
  else where.where("revision", range, key.revision);
  where.where((or) => {
    if (options.time) or.where("booked_at", way, key.bookedAt);
    or.orWhere("revision", way, key.revision).orWhere((same) =>
      same.where("revision", key.revision).where("idx", options.own ? range : way, key.idx),
    );
  });
}

function keyOf(row: Pick<EntryRow, "booked_at" | "revision" | "idx">): EntryKey {
  return { bookedAt: row.booked_at, revision: row.revision, idx: Number(row.idx) };
}
