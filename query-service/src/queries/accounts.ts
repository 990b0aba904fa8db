import type { Account, AccountId, Caller } from "ledger-core";
import { mayRead, seesWholeTenant } from "ledger-core";
import { accountStatusCodes, accountTypeCodes, numberOfId } from "ledger-core/sql";
import { codeIn } from "./columns.ts";
import { firstEntry } from "./entry-rows.ts";
import { firstRows, type IdPage, type Listed, mergePage, rangeOfPage, type ShardRows } from "./pages.ts";
import { toAccount } from "./rows.ts";
import { along, type ModelsSnapshot, select, table } from "./snapshot.ts";
import { all, plain, type Sql, sql, way } from "./sql.ts";
import { type Walk, walkIndex } from "./walks.ts";

export type AccountFilters = {
  readonly owner: string | undefined;
  readonly type: string | undefined;
  readonly status: string | undefined;
};

/** The columns of an account `a` with its balances: after its newest entry and its newest hold. */
export function accountColumns(snapshot: ModelsSnapshot): Sql {
  return sql`a.number, a.salt, a.tenant, a.owner, a.type, a.status, a.currency, a.display_name, a.time_zone,
    a.floor, a.per_transaction, a.per_day, a.opened_at,
    ${newestEntry(snapshot, plain("e.balance"))} AS posted,
    (SELECT h.held FROM ${table(snapshot, "holdChanges", "h")} WHERE h.account = a.number
      ORDER BY h.revision DESC LIMIT 1) AS held`;
}

/** A column of the newest entry of an account `a`. */
export function newestEntry(snapshot: ModelsSnapshot, columns: Sql): Sql {
  return firstEntry(snapshot, { columns, account: plain("a.number"), shard: plain("(a.number >> 40)"), order: "desc" });
}

/** The account; undefined when it does not exist or the caller may not see it, indistinguishably. */
export async function readAccount(
  snapshot: ModelsSnapshot,
  caller: Caller,
  id: AccountId,
): Promise<Account | undefined> {
  const [row] = await select(
    snapshot,
    sql`SELECT ${accountColumns(snapshot)} FROM ${table(snapshot, "accounts", "a")} WHERE a.number = ${numberOfId(id)}`,
  );
  const account = row && toAccount(row);
  // Other ids have the same number, but name nothing.
  if (account?.id !== id) return undefined;
  return mayRead(caller, { tenant: account.tenant, owners: [account.owner] }) ? account : undefined;
}

/**
 * One page of the accounts that the caller may see. Consumers and merchants see only their own, whatever owner they ask
 * for.
 */
export async function listAccounts(
  snapshot: ModelsSnapshot,
  caller: Caller,
  filters: AccountFilters,
  page: IdPage,
): Promise<Listed<Account>> {
  const owner = seesWholeTenant(caller.role) ? filters.owner : caller.sub;
  if (filters.owner !== undefined && filters.owner !== owner) return { rows: [], last: null };
  const accounts = table(snapshot, "accounts", "a");
  const at = plain("a.opened_at");
  const opened = { at, of: (wanted: Sql) => walkIndex({ from: accounts, number: numbers, scan: { wanted, at } }) };
  const walks =
    owner === undefined
      ? walksOfTenant(snapshot, caller.tenant, filters)
      : [walkOfOwner(snapshot, caller.tenant, owner, filters)];
  const rowsOf = (found: Sql) => sql`SELECT ${accountColumns(snapshot)} FROM (${found}) AS page
    LEFT JOIN ${accounts} ON a.number = page.number ORDER BY page.number ${way(page.order)}`;
  const shards: ShardRows<Account>[] = [];
  for (const { shard } of snapshot.positions) {
    const range = await rangeOfPage(snapshot, shard, page, {}, opened);
    shards.push(await firstRows(snapshot, walks, range, page, { rowsOf, decode: toAccount }));
  }
  return mergePage(shards, page);
}

const numbers = plain("a.number");

/** A walk for each type and status: one index serves every filter. */
function walksOfTenant(snapshot: ModelsSnapshot, tenant: string, filters: AccountFilters): Walk[] {
  const from = along(snapshot, "accounts", "a", ["tenant", "type", "status", "number"]);
  return codesOf(accountTypeCodes.words, filters.type).flatMap((type) =>
    codesOf(accountStatusCodes.words, filters.status).map((status) =>
      walkIndex({
        ...{ from, number: numbers },
        where: sql`a.tenant = ${tenant} AND a.type = ${type} AND a.status = ${status}`,
      }),
    ),
  );
}

/** The code of a filter's word, or all of them without a filter. */
function codesOf(words: readonly string[], filter: string | undefined): readonly number[] {
  return filter === undefined ? [...words.keys()] : [codeIn(words, filter)];
}

/** No index has the types and states of an owner's accounts: a filtered page scans. */
function walkOfOwner(snapshot: ModelsSnapshot, tenant: string, owner: string, filters: AccountFilters): Walk {
  const own = { from: ownersAccounts(snapshot), where: ownedBy(tenant, owner), number: numbers };
  const { type, status } = filters;
  if (type === undefined && status === undefined) return walkIndex(own);
  const wanted = all(
    type === undefined ? undefined : sql`a.type = ${codeIn(accountTypeCodes.words, type)}`,
    status === undefined ? undefined : sql`a.status = ${codeIn(accountStatusCodes.words, status)}`,
  );
  return walkIndex({ ...own, scan: { wanted, at: plain("a.opened_at") } });
}

/** The accounts `a`, to be walked by owner. */
export function ownersAccounts(snapshot: ModelsSnapshot): Sql {
  return along(snapshot, "accounts", "a", ["tenant", "owner", "number"]);
}

export function ownedBy(tenant: string, owner: string): Sql {
  return sql`a.tenant = ${tenant} AND a.owner = ${owner}`;
}
