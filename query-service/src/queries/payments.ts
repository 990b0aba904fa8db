import type { Knex } from "knex";
import {
  type AccountId,
  assert,
  type Caller,
  idBody,
  type Micros,
  makeId,
  mayRead,
  type PaymentId,
  type PaymentRow,
  paymentStatuses,
  seesWholeTenant,
} from "ledger-core";
import { bindings, viaIndex } from "ledger-core/sql";
import { ownsOneOf, readAccount } from "./accounts.ts";
import { type IdPage, takePage } from "./pages.ts";
import { type ModelsSnapshot, selectByIndex } from "./snapshot.ts";

export type PaymentFilters = {
  readonly account: AccountId | undefined;
  readonly status: string | undefined;
  readonly from: Micros | undefined;
  readonly to: Micros | undefined;
};

type Page = { readonly rows: readonly PaymentRow[]; readonly last: string | null };

/** The payment; undefined when it does not exist or touches no account that the caller may see. */
export async function readPayment(
  snapshot: ModelsSnapshot,
  caller: Caller,
  id: PaymentId,
): Promise<PaymentRow | undefined> {
  const row = await snapshot.db<PaymentRow>(snapshot.table("payments")).where({ id }).first();
  if (!row || !mayRead(caller, { tenant: row.tenant, owners: [caller.sub] })) return undefined;
  if (seesWholeTenant(caller.role)) return row;
  return (await ownsOneOf(snapshot, caller.tenant, caller.sub, [row.payer, row.payee])) ? row : undefined;
}

/** One page of the payments that the caller may see: all of the tenant's, or those that touch the caller's accounts. */
export async function listPayments(
  snapshot: ModelsSnapshot,
  caller: Caller,
  filters: PaymentFilters,
  page: IdPage,
): Promise<Page> {
  if (filters.account !== undefined) {
    const account = await readAccount(snapshot, caller, filters.account);
    return account ? merged(snapshot, sidesOf(account.id), filters, page) : { rows: [], last: null };
  }
  if (!seesWholeTenant(caller.role)) return ofOwner(snapshot, caller, filters, page);
  return merged(snapshot, [{ by: "tenant", value: caller.tenant }], filters, page);
}

/** An indexed column and the value to look up. */
type Side = { readonly by: "tenant" | "payer" | "payee"; readonly value: string };

function sidesOf(account: string): Side[] {
  return [
    { by: "payer", value: account },
    { by: "payee", value: account },
  ];
}

/**
 * Payments that touch an owner's accounts: one walk along one index, however many accounts there are. The index does
 * not cover the status, so a filtered page scans at most `scanMax` payments and may be short or empty.
 */
async function ofOwner(
  snapshot: ModelsSnapshot,
  { tenant, sub }: Caller,
  filters: PaymentFilters,
  page: IdPage,
): Promise<Page> {
  const { status } = filters;
  const walked = (end: string | undefined) => {
    const query: Knex.QueryBuilder = snapshot.db.queryBuilder();
    query.from(viaIndex(snapshot.db, snapshot.table("ownerPayments"), "primary key", "o"));
    query.where({ "o.tenant": tenant, "o.owner": sub }).orderBy("o.id", page.order);
    withinPage(query, "o.id", filters, page, end);
    return query;
  };
  const scanned = () =>
    walked(undefined)
      .offset(snapshot.limits.scanMax - 1)
      .first<{ id: string } | undefined>("o.id");
  const end = status === undefined ? undefined : (await scanned())?.id;
  const query = walked(end)
    .crossJoin(snapshot.db.raw("?? as ??", [snapshot.table("payments"), "p"]))
    .where("p.id", snapshot.db.ref("o.id"));
  withinTimes(query, filters, snapshot, "p.");
  if (status !== undefined) query.where("p.status", status);
  const { rows, last } = takePage<PaymentRow>(await query.limit(page.limit + 1).select("p.*"), page.limit);
  return { rows, last: last ?? end ?? null };
}

/**
 * Payments of any of these sides. Each side and status is a short index walk; UNION merges the walks and drops
 * duplicates, and only the page's rows are then read. The cost is sides × statuses × page, whatever the history.
 */
async function merged(
  snapshot: ModelsSnapshot,
  sides: readonly Side[],
  filters: PaymentFilters,
  page: IdPage,
): Promise<Page> {
  const statuses = filters.status === undefined ? paymentStatuses : [filters.status];
  const walks = sides.flatMap((side) => statuses.map((status) => walk(snapshot, side, status, filters, page)));
  const [first, ...others] = walks;
  assert(first, "payments are asked for by a side at least");
  if (others.length === 0) return takePage(await first.select("*"), page.limit);
  const ids = snapshot.db
    .select("id")
    .from(first.select("id").as("w"))
    .union(others.map((other) => snapshot.db.select("id").from(other.select("id").as("w"))))
    .orderBy("id", page.order)
    .limit(page.limit + 1);
  const rows: PaymentRow[] = await snapshot.db
    .from(ids.as("page"))
    .join(`${snapshot.table("payments")} as p`, "p.id", "page.id")
    .orderBy("page.id", page.order)
    .select("p.*");
  return takePage(rows, page.limit);
}

/** The first payments of a page along one side's index, of one status. */
function walk(snapshot: ModelsSnapshot, { by, value }: Side, status: string, filters: PaymentFilters, page: IdPage) {
  const query = selectByIndex<PaymentRow>(snapshot, "payments", [by, "status", "id"]).where({ [by]: value, status });
  withinPage(query, "id", filters, page);
  withinTimes(query, filters, snapshot);
  return query.orderBy("id", page.order).limit(page.limit + 1);
}

/**
 * The range of ids that a page may hold. An id starts with its time in milliseconds; the rest of a time filter is
 * checked in the row. Use one bound per end: with two, SQLite starts at the first and filters row by row up to the
 * other.
 */
function withinPage(
  query: Knex.QueryBuilder,
  column: string,
  { from, to }: PaymentFilters,
  { after, order }: IdPage,
  scanEnd?: string,
): void {
  const first = from === undefined ? undefined : firstIdAt(from);
  const end = to === undefined ? undefined : firstIdAt(to + 1000);
  if (order === "asc" && after !== undefined && (first === undefined || after > first)) query.where(column, ">", after);
  else if (order === "desc" && scanEnd !== undefined) query.where(column, ">=", scanEnd);
  else if (first !== undefined) query.where(column, ">=", first);
  if (order === "desc" && after !== undefined && (end === undefined || after < end)) query.where(column, "<", after);
  else if (order === "asc" && scanEnd !== undefined) query.where(column, "<=", scanEnd);
  else if (end !== undefined) query.where(column, "<", end);
}

function withinTimes(
  query: Knex.QueryBuilder,
  { from, to }: PaymentFilters,
  { db }: ModelsSnapshot,
  prefix = "",
): void {
  const bound = (at: Micros) => db.raw("?", bindings([BigInt(at)]));
  if (from !== undefined) query.where(`${prefix}created_at`, ">=", bound(from));
  if (to !== undefined) query.where(`${prefix}created_at`, "<", bound(to));
}

function firstIdAt(at: Micros): PaymentId {
  return makeId("pay", idBody(Math.max(at, 0), { shard: 0, revision: 0 }, 0));
}
