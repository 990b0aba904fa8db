import {
  type AccountId,
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
import { accountsOf, ownsOneOf, readAccount } from "./accounts.ts";
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
    return account ? merged(view, sidesOf([account.id]), filters, page) : { rows: [], last: null };
  }
  if (!seesWholeTenant(caller.role))
    return merged(view, sidesOf(await accountsOf(view, caller.tenant, caller.sub)), filters, page);
  return merged(view, [{ by: "tenant", value: caller.tenant }], filters, page);
}

/** A column with an index, and the value that payments are asked for by it. */
type Side = { readonly by: "tenant" | "payer" | "payee"; readonly value: string };

function sidesOf(accounts: readonly string[]): Side[] {
  return accounts.flatMap((value): Side[] => [
    { by: "payer", value },
    { by: "payee", value },
  ]);
}

/** Walks of one statement: SQLite takes 500 parts of a UNION. */
const WALKS_PER_STATEMENT = 490;

/**
 * Payments of any of these sides. Each side and status is a short walk along an index, the walks are merged by UNION,
 * which drops what two of them found, and only the page's rows are then read: the cost is that of (sides × statuses ×
 * page), whatever the history.
 */
async function merged(view: View, sides: readonly Side[], filters: PaymentFilters, page: IdPage): Promise<Page> {
  const statuses = filters.status === undefined ? paymentStatuses : [filters.status];
  const walks = sides.flatMap((side) => statuses.map((status) => ({ side, status })));
  const [only, ...more] = walks;
  if (only && more.length === 0)
    return takePage(await walk(view, only.side, only.status, filters, page).select("*"), page.limit);
  const found = new Map<string, PaymentRow>();
  for (let from = 0; from < walks.length; from += WALKS_PER_STATEMENT) {
    const [first, ...others] = walks
      .slice(from, from + WALKS_PER_STATEMENT)
      .map(({ side, status }) => walk(view, side, status, filters, page).select("id"));
    if (!first) break;
    const ids = view.db
      .select("id")
      .from(first.as("w"))
      .union(others.map((other) => view.db.select("id").from(other.as("w"))))
      .orderBy("id", page.order)
      .limit(page.limit + 1);
    const rows: PaymentRow[] = await view.db
      .from(ids.as("page"))
      .join(`${view.tables.payments} as p`, "p.id", "page.id")
      .orderBy("page.id", page.order)
      .select("p.*");
    for (const row of rows) found.set(row.id, row);
  }
  const rows = [...found.values()];
  if (walks.length > WALKS_PER_STATEMENT) rows.sort((a, b) => (a.id < b.id === (page.order === "asc") ? -1 : 1));
  return takePage(rows, page.limit);
}

/** The first payments of a page along the index of one side, of one status. */
function walk(view: View, { by, value }: Side, status: string, filters: PaymentFilters, page: IdPage) {
  const { from, to } = filters;
  const query = along<PaymentRow>(view, "payments", [by, "status", "id"]).where({ [by]: value, status });
  const { after, order } = page;
  // The first bits of an id are its time, to the millisecond; what is left of the range is looked up in the row. One
  // bound at each end of the walk: of two, SQLite begins at the first and reads row by row as far as the other.
  const first = from === undefined ? undefined : firstIdAt(from);
  const end = to === undefined ? undefined : firstIdAt(to + 1000);
  if (order === "asc" && after !== undefined && (first === undefined || after > first)) query.where("id", ">", after);
  else if (first !== undefined) query.where("id", ">=", first);
  if (order === "desc" && after !== undefined && (end === undefined || after < end)) query.where("id", "<", after);
  else if (end !== undefined) query.where("id", "<", end);
  if (from !== undefined) query.where("created_at", ">=", BigInt(from));
  if (to !== undefined) query.where("created_at", "<", BigInt(to));
  return query.orderBy("id", page.order).limit(page.limit + 1);
}

function firstIdAt(at: Micros): PaymentId {
  return makeId("pay", idBody(Math.max(at, 0), { shard: 0, revision: 0 }, 0));
}
