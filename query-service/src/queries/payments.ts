import type { Knex } from "knex";
import {
  type AccountId,
  type Caller,
  idBody,
  type Micros,
  makeId,
  mayRead,
  type PaymentId,
  type PaymentRow,
  seesWholeTenant,
} from "ledger-core";
import { accountsOf, ownsOneOf, readAccount } from "./accounts.ts";
import { type IdPage, takePage } from "./pages.ts";
import type { View } from "./view.ts";

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
    return account ? touching(view, [account.id], filters, page) : { rows: [], last: null };
  }
  if (!seesWholeTenant(caller.role))
    return touching(view, await accountsOf(view, caller.tenant, caller.sub), filters, page);
  const query = view.db<PaymentRow>(view.tables.payments).where("tenant", caller.tenant);
  narrow(query, filters, page);
  return takePage(await query.orderBy("id", page.order).limit(page.limit + 1), page.limit);
}

/** Accounts of one statement: SQLite takes 500 parts of a UNION, and each account has two. */
const ACCOUNTS_PER_STATEMENT = 100;

/**
 * Payments from or to any of these accounts. Each account and side is a short walk along its own index, the walks are merged by UNION, which
 * drops what two of them found, and only the page's rows are then read: the cost is that of (accounts × page), whatever the history.
 */
async function touching(view: View, accounts: readonly string[], filters: PaymentFilters, page: IdPage): Promise<Page> {
  const found = new Map<string, PaymentRow>();
  for (let from = 0; from < accounts.length; from += ACCOUNTS_PER_STATEMENT) {
    const [first, ...others] = accounts
      .slice(from, from + ACCOUNTS_PER_STATEMENT)
      .flatMap((account) => [walk(view, "payer", account, filters, page), walk(view, "payee", account, filters, page)]);
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
  if (accounts.length > ACCOUNTS_PER_STATEMENT) rows.sort((a, b) => (a.id < b.id === (page.order === "asc") ? -1 : 1));
  return takePage(rows, page.limit);
}

function walk(view: View, side: "payer" | "payee", account: string, filters: PaymentFilters, page: IdPage) {
  const query = view.db<PaymentRow>(view.tables.payments).where(side, account);
  narrow(query, filters, page);
  return query
    .orderBy("id", page.order)
    .limit(page.limit + 1)
    .select("id");
}

/**
 * A time range becomes a range of ids, whose first bits are the time: to the millisecond, and the rest is looked up in the row.
 */
function narrow(query: Knex.QueryBuilder<PaymentRow>, { status, from, to }: PaymentFilters, page: IdPage): void {
  if (status !== undefined) query.where("status", status);
  if (from !== undefined) query.where("id", ">=", firstIdAt(from)).where("created_at", ">=", BigInt(from));
  if (to !== undefined) query.where("id", "<", firstIdAt(to + 1000)).where("created_at", "<", BigInt(to));
  if (page.after !== undefined) query.where("id", page.order === "desc" ? "<" : ">", page.after);
}

function firstIdAt(at: Micros): PaymentId {
  return makeId("pay", idBody(Math.max(at, 0), { shard: 0, revision: 0 }, 0));
}
