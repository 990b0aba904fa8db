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
import { along, type View } from "./view.ts";

export type PaymentFilters = {
  readonly account: AccountId | undefined;
  readonly status: string | undefined;
  readonly from: Micros | undefined;
  readonly to: Micros | undefined;
};

type Page = { readonly rows: readonly PaymentRow[]; readonly last: string | null };

/** The payment; undefined when there is none or when it touches no account that the caller may see. */
export async function readPayment(view: View, caller: Caller, id: PaymentId): Promise<PaymentRow | undefined> {
  const row = await view.db<PaymentRow>(view.tables.payments).where({ id }).first();
  if (!row || !mayRead(caller, { tenant: row.tenant, owners: [caller.sub] })) return undefined;
  if (seesWholeTenant(caller.role)) return row;
  return (await ownsOneOf(view, caller.tenant, caller.sub, [row.payer, row.payee])) ? row : undefined;
}

/** One page of the payments that the caller may see: all of the tenant's, or those that touch an account of its own. */
export async function listPayments(view: View, caller: Caller, filters: PaymentFilters, page: IdPage): Promise<Page> {
  if (filters.account !== undefined) {
    const account = await readAccount(view, caller, filters.account);
    return account ? merged(view, sidesOf(account.id), filters, page) : { rows: [], last: null };
  }
  if (!seesWholeTenant(caller.role)) return ofOwner(view, caller, filters, page);
  return merged(view, [{ by: "tenant", value: caller.tenant }], filters, page);
}

/** A column with an index, and the value that payments are asked for by it. */
type Side = { readonly by: "tenant" | "payer" | "payee"; readonly value: string };

function sidesOf(account: string): Side[] {
  return [
    { by: "payer", value: account },
    { by: "payee", value: account },
  ];
}

/**
 * Payments that touch an account of an owner: one walk along one index, however many accounts the owner has. A status is no part of
 * that index, so a page looks at `scanMax` payments and may be short, even empty, and go on.
 */
async function ofOwner(view: View, { tenant, sub }: Caller, filters: PaymentFilters, page: IdPage): Promise<Page> {
  const { status } = filters;
  const walked = (end: string | undefined) => {
    const query: Knex.QueryBuilder = view.db.queryBuilder();
    query.from(viaIndex(view.db, view.tables.ownerPayments, "primary key", "o"));
    query.where({ "o.tenant": tenant, "o.owner": sub }).orderBy("o.id", page.order);
    withinPage(query, "o.id", filters, page, end);
    return query;
  };
  const scanned = () =>
    walked(undefined)
      .offset(view.limits.scanMax - 1)
      .first<{ id: string } | undefined>("o.id");
  const end = status === undefined ? undefined : (await scanned())?.id;
  const query = walked(end)
    .crossJoin(view.db.raw("?? as ??", [view.tables.payments, "p"]))
    .where("p.id", view.db.ref("o.id"));
  withinTimes(query, filters, view, "p.");
  if (status !== undefined) query.where("p.status", status);
  const { rows, last } = takePage<PaymentRow>(await query.limit(page.limit + 1).select("p.*"), page.limit);
  return { rows, last: last ?? end ?? null };
}

/**
 * Payments of any of these sides. Each side and status is a short walk along an index, the walks are merged by UNION,
 * which drops what two of them found, and only the page's rows are then read: the cost is that of (sides × statuses ×
 * page), whatever the history.
 */
async function merged(view: View, sides: readonly Side[], filters: PaymentFilters, page: IdPage): Promise<Page> {
  const statuses = filters.status === undefined ? paymentStatuses : [filters.status];
  const walks = sides.flatMap((side) => statuses.map((status) => walk(view, side, status, filters, page)));
  const [first, ...others] = walks;
  assert(first, "payments are asked for by a side at least");
  if (others.length === 0) return takePage(await first.select("*"), page.limit);
  const ids = view.db
    .select("id")
    .from(first.select("id").as("w"))
    .union(others.map((other) => view.db.select("id").from(other.select("id").as("w"))))
    .orderBy("id", page.order)
    .limit(page.limit + 1);
  const rows: PaymentRow[] = await view.db
    .from(ids.as("page"))
    .join(`${view.tables.payments} as p`, "p.id", "page.id")
    .orderBy("page.id", page.order)
    .select("p.*");
  return takePage(rows, page.limit);
}

/** The first payments of a page along the index of one side, of one status. */
function walk(view: View, { by, value }: Side, status: string, filters: PaymentFilters, page: IdPage) {
  const query = along<PaymentRow>(view, "payments", [by, "status", "id"]).where({ [by]: value, status });
  withinPage(query, "id", filters, page);
  withinTimes(query, filters, view);
  return query.orderBy("id", page.order).limit(page.limit + 1);
}

/**
 * The ids that a page may hold, up to its scan's end if it has one. The first bits of an id are its time, to the millisecond; what is left of the range is
 * looked up in the row. One bound at each end of the walk: of two, SQLite begins at the first and reads row by row as
 * far as the other.
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

function withinTimes(query: Knex.QueryBuilder, { from, to }: PaymentFilters, { db }: View, prefix = ""): void {
  const bound = (at: Micros) => db.raw("?", bindings([BigInt(at)]));
  if (from !== undefined) query.where(`${prefix}created_at`, ">=", bound(from));
  if (to !== undefined) query.where(`${prefix}created_at`, "<", bound(to));
}

function firstIdAt(at: Micros): PaymentId {
  return makeId("pay", idBody(Math.max(at, 0), { shard: 0, revision: 0 }, 0));
}
