import type { AccountId, AccountRow, Caller } from "ledger-core";
import { mayRead, seesWholeTenant } from "ledger-core";
import { type IdPage, takePage } from "./pages.ts";
import { type ModelsSnapshot, selectByIndex } from "./snapshot.ts";

export type AccountFilters = {
  readonly owner: string | undefined;
  readonly type: string | undefined;
  readonly status: string | undefined;
};

/** The account; undefined when it does not exist or the caller may not see it, indistinguishably. */
export async function readAccount(
  snapshot: ModelsSnapshot,
  caller: Caller,
  id: AccountId,
): Promise<AccountRow | undefined> {
  const row = await snapshot.db<AccountRow>(snapshot.table("accounts")).where({ id }).first();
  return row && mayRead(caller, { tenant: row.tenant, owners: [row.owner] }) ? row : undefined;
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
): Promise<{ rows: readonly AccountRow[]; last: string | null }> {
  const owner = seesWholeTenant(caller.role) ? filters.owner : caller.sub;
  if (filters.owner !== undefined && filters.owner !== owner) return { rows: [], last: null };
  const { type, status } = filters;
  const walked = () => {
    const index = indexFor({ owner, type, status });
    const query = selectByIndex<AccountRow>(snapshot, "accounts", index).where("tenant", caller.tenant);
    if (owner !== undefined) query.where({ owner });
    if (page.after !== undefined) query.where("id", page.order === "desc" ? "<" : ">", page.after);
    return query.orderBy("id", page.order);
  };
  // No index covers an owner's accounts by type or status: bound the scan per page.
  const looksFor = owner !== undefined && (type !== undefined || status !== undefined);
  const end = looksFor
    ? (
        await walked()
          .offset(snapshot.limits.scanMax - 1)
          .first("id")
      )?.id
    : undefined;
  const query = walked();
  if (type !== undefined) query.where({ type });
  if (status !== undefined) query.where({ status });
  if (end !== undefined) query.where("id", page.order === "desc" ? ">=" : "<=", end);
  const { rows, last } = takePage<AccountRow>(await query.limit(page.limit + 1), page.limit);
  return { rows, last: last ?? end ?? null };
}

function indexFor({ owner, type, status }: AccountFilters): readonly string[] {
  if (owner !== undefined) return ["tenant", "owner", "id"];
  return ["tenant", ...(type === undefined ? [] : ["type"]), ...(status === undefined ? [] : ["status"]), "id"];
}

/** Whether one of these accounts belongs to the owner. */
export async function ownsOneOf(
  snapshot: ModelsSnapshot,
  tenant: string,
  owner: string,
  accounts: readonly string[],
): Promise<boolean> {
  const row = await snapshot
    .db<AccountRow>(snapshot.table("accounts"))
    .whereIn("id", accounts)
    .where({ tenant, owner })
    .first("id");
  return row !== undefined;
}
