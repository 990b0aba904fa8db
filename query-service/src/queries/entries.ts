import type { Account, Amount, Entry, Micros } from "ledger-core";
import { entryTypeCodes, numberOfId, positionOf } from "ledger-core/sql";
import { codeIn, count, type ReadRow } from "./columns.ts";
import { type EntryRead, entryRows } from "./entry-rows.ts";
import { toEntry } from "./rows.ts";
import { type ModelsSnapshot, type NumberRange, numbersOf, select, table } from "./snapshot.ts";
import { all, type Order, plain, type Sql, sql, way } from "./sql.ts";
import { firstAtEach } from "./times.ts";
import { cutAfter, walkEntries } from "./walks.ts";

export type EntryFilters = {
  readonly from: Micros | undefined;
  readonly to: Micros | undefined;
  readonly type: string | undefined;
  readonly minAmount: Amount | undefined;
  readonly maxAmount: Amount | undefined;
  readonly reference: string | undefined;
};

/** The key of an entry in its account's history; an event may have several. */
export type EntryKey = { readonly revision: number; readonly idx: number };

export type EntryPage = {
  readonly limit: number;
  readonly order: Order;
  readonly after: EntryKey | undefined;
};

/** The account of the entries. */
export type EntriesOf = Pick<Account, "id" | "tenant" | "currency">;

/**
 * One page of an account's entries: a statement that walks one index from the page's first row to its last.
 * @returns `last`: the key to continue after, also for a short or empty page; null at the end of the history
 */
export async function listEntries(
  snapshot: ModelsSnapshot,
  account: EntriesOf,
  filters: EntryFilters,
  page: EntryPage,
): Promise<{ rows: readonly Entry[]; last: EntryKey | null }> {
  const { order, limit, after } = page;
  const revisions = await revisionsOf(snapshot, account, filters, page);
  const read = { ...historyOf(account), columns: entryColumns, reference: filters.reference, order };
  const beyond = after && edge(after, order === "desc" ? "<" : ">");
  const wanted = wantedBy(filters);
  const end = wanted && (await scanEnd(snapshot, { ...read, revisions, wanted: beyond }));
  const upTo = end && edge(end, order === "desc" ? ">=" : "<=");
  const seen = end ? cutAfter(revisions, end.revision, order) : revisions;
  const entries = entryRows(snapshot, { ...read, revisions: seen, wanted: both(beyond, upTo, wanted) }, limit + 1);
  const rows = await select(
    snapshot,
    sql`${withSources(snapshot, account.tenant, entries)} ORDER BY page.revision ${way(order)}, page.idx ${way(order)}`,
  );
  const taken = rows.slice(0, limit);
  const next = rows.length > limit ? taken.at(-1) : undefined;
  return { rows: taken.map((row) => toEntry(account, row)), last: next ? keyOf(next) : (end ?? null) };
}

/** The columns of an entry itself. */
export const entryColumns = columnsOf("e");

function columnsOf(alias: "e" | "page"): Sql {
  const names = "account revision idx at amount balance day type counterparty salt source reference".split(" ");
  return plain(names.map((name) => `${alias}.${name}`).join(", "));
}

/** Entries of one tenant, with the parts of the ids of their counterparties and sources. */
export function withSources(snapshot: ModelsSnapshot, tenant: string, entries: Sql): Sql {
  return sql`SELECT ${columnsOf("page")}, c.opened_at AS counterparty_at, c.salt AS counterparty_salt,
      p.at AS payment_at, p.salt AS payment_salt FROM (${entries}) AS page
    LEFT JOIN ${table(snapshot, "accounts", "c")} ON c.number = page.counterparty
    LEFT JOIN ${table(snapshot, "payments", "p")} ON p.tenant = ${tenant} AND p.number = page.source`;
}

function historyOf({ id }: EntriesOf): { readonly account: Sql; readonly shard: Sql } {
  const account = numberOfId(id);
  return { account: sql`${account}`, shard: sql`${positionOf(account).shard}` };
}

/** The events whose entries a page may hold. */
async function revisionsOf(
  snapshot: ModelsSnapshot,
  account: EntriesOf,
  { from, to }: EntryFilters,
  { after, order }: EntryPage,
): Promise<NumberRange> {
  const { shard } = positionOf(numberOfId(account.id));
  const whole = numbersOf(shard);
  const of = (wanted: Sql) => walkEntries(snapshot, historyOf(account).account, shard, wanted);
  const [since, until] = await firstAtEach(snapshot, shard, [from, to], { at: plain("e.at"), of });
  const lower = [whole.from, since ?? whole.from];
  const upper = [whole.below, until ?? whole.below];
  // The event of the previous page's last row may have more entries.
  if (after && order === "asc") lower.push(whole.from + after.revision);
  if (after && order === "desc") upper.push(whole.from + after.revision + 1);
  return { from: Math.max(...lower) - whole.from, below: Math.min(...upper) - whole.from };
}

/** Splits the entries of one event. MySQL uses no index for row comparisons, so revisions are bounded separately. */
function edge({ revision, idx }: EntryKey, comparison: "<" | ">" | "<=" | ">="): Sql {
  return sql`(e.revision <> ${revision} OR e.idx ${plain(comparison)} ${idx})`;
}

/** Where a page has scanned `scanMax` entries; undefined if the history ends before that. */
async function scanEnd(snapshot: ModelsSnapshot, read: EntryRead): Promise<EntryKey | undefined> {
  const columns = plain("e.revision, e.idx");
  const [row] = await select(snapshot, entryRows(snapshot, { ...read, columns }, 1, snapshot.limits.scanMax - 1));
  return row && keyOf(row);
}

function both(...conditions: readonly (Sql | undefined)[]): Sql | undefined {
  return conditions.some((condition) => condition !== undefined) ? all(...conditions) : undefined;
}

/** The filters that no index serves; undefined if there are none. */
function wantedBy({ type, minAmount, maxAmount }: EntryFilters): Sql | undefined {
  if (type === undefined && minAmount === undefined && maxAmount === undefined) return undefined;
  return all(
    type === undefined ? undefined : sql`e.type = ${codeIn(entryTypeCodes.words, type)}`,
    minAmount === undefined ? undefined : sql`(e.amount >= ${minAmount} OR e.amount <= ${-minAmount})`,
    maxAmount === undefined ? undefined : sql`e.amount <= ${maxAmount} AND e.amount >= ${-maxAmount}`,
  );
}

function keyOf(row: ReadRow): EntryKey {
  return { revision: count(row, "revision"), idx: count(row, "idx") };
}
