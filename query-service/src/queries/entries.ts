import type { Knex } from "knex";
import type { AccountId, Amount, EntryRow, Micros } from "ledger-core";
import { type ModelsSnapshot, selectByIndex } from "./snapshot.ts";

export type EntryFilters = {
  readonly from: Micros | undefined;
  readonly to: Micros | undefined;
  readonly type: string | undefined;
  readonly minAmount: Amount | undefined;
  readonly maxAmount: Amount | undefined;
  readonly reference: string | undefined;
};

/** The key of an entry in its account's history. The instant alone is not unique. */
export type EntryKey = { readonly bookedAt: bigint; readonly revision: bigint; readonly idx: number };

export type EntryPage = {
  readonly limit: number;
  readonly order: "asc" | "desc";
  readonly after: EntryKey | undefined;
};

/**
 * One page of an account's entries: one statement that walks one index from the page's first row to its last. Booked
 * time never decreases along revisions, so both indexes have the same order.
 * @returns `last`: the key to continue after, also for a short or empty page; null at the end of the history
 */
export async function listEntries(
  snapshot: ModelsSnapshot,
  account: AccountId,
  filters: EntryFilters,
  page: EntryPage,
): Promise<{ rows: readonly EntryRow[]; last: EntryKey | null }> {
  const end = await scanEnd(snapshot, account, filters, page);
  const query = walk(snapshot, account, filters, page, end);
  const { type, minAmount, maxAmount } = filters;
  if (type !== undefined) query.where({ type });
  if (minAmount !== undefined)
    query.where((sides) => sides.where("amount", ">=", minAmount).orWhere("amount", "<=", -minAmount));
  if (maxAmount !== undefined) query.where("amount", "<=", maxAmount).where("amount", ">=", -maxAmount);
  const rows = await query.limit(page.limit + 1);
  if (rows.length <= page.limit) return { rows, last: end ?? null };
  const taken = rows.slice(0, page.limit);
  const last = taken.at(-1);
  return { rows: taken, last: last ? keyOf(last) : null };
}

/**
 * The entry where this page's scan ends; undefined when the history ends before it, or when every scanned row matches.
 */
async function scanEnd(
  snapshot: ModelsSnapshot,
  account: AccountId,
  filters: EntryFilters,
  page: EntryPage,
): Promise<EntryKey | undefined> {
  if (filters.type === undefined && filters.minAmount === undefined && filters.maxAmount === undefined)
    return undefined;
  const row = await walk(snapshot, account, filters, page, undefined)
    .offset(snapshot.limits.scanMax - 1)
    .first("booked_at", "revision", "idx");
  return row && keyOf(row);
}

type Where = Knex.QueryBuilder<EntryRow>;

/** The entries that an index alone can find, in order, from the page's start to its end, inclusive. */
function walk(
  snapshot: ModelsSnapshot,
  account: AccountId,
  filters: EntryFilters,
  page: EntryPage,
  end: EntryKey | undefined,
) {
  const { reference, from, to } = filters;
  const query = selectByIndex<EntryRow>(snapshot, "entries", indexFor(filters)).where({ account });
  if (reference !== undefined) query.where({ reference });
  const [low, high] = page.order === "desc" ? [end, page.after] : [page.after, end];
  // Use one bound per end: with two, SQLite starts at the first and filters row by row up to the other.
  const lower = [low?.bookedAt, from === undefined ? undefined : BigInt(from)];
  const upper = [high?.bookedAt, to === undefined ? undefined : BigInt(to) - 1n];
  const lowest = lower.reduce((a, b) => (a === undefined || (b !== undefined && b > a) ? b : a));
  const highest = upper.reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a));
  if (lowest !== undefined) query.where("booked_at", ">=", lowest);
  if (highest !== undefined) query.where("booked_at", "<=", highest);
  const { after, order } = page;
  if (after) query.where((where: Where) => beyond(where, order === "desc" ? "<" : ">", after, { own: false }));
  if (end) query.where((where: Where) => beyond(where, order === "desc" ? ">" : "<", end, { own: true }));
  return query.orderBy("booked_at", order).orderBy("revision", order).orderBy("idx", order);
}

function indexFor({ reference }: EntryFilters) {
  return reference === undefined ? "primary key" : ["reference", "account", "booked_at", "revision", "idx"];
}

/**
 * The rows beyond a key, among those from its instant on. MySQL cannot use an index for row values, so this is spelled
 * out.
 */
function beyond(where: Where, way: "<" | ">", key: EntryKey, { own }: { own: boolean }): void {
  const orOwn = way === "<" ? "<=" : ">=";
  where
    .where("booked_at", way, key.bookedAt)
    .orWhere("revision", way, key.revision)
    .orWhere((same) => same.where("revision", key.revision).where("idx", own ? orOwn : way, key.idx));
}

function keyOf(row: Pick<EntryRow, "booked_at" | "revision" | "idx">): EntryKey {
  return { bookedAt: row.booked_at, revision: row.revision, idx: Number(row.idx) };
}
