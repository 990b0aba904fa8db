import type { Caller, PayoutId, RefundId, TopUpId, TransferId } from "ledger-core";
import { seesWholeTenant } from "ledger-core";
import { numberOfId } from "ledger-core/sql";
import { json, text } from "./columns.ts";
import { type ModelsSnapshot, select, table } from "./snapshot.ts";
import { joined, sql } from "./sql.ts";

/**
 * The JSON of a transfer, refund, top-up or payout; undefined when it does not exist or touches no account that the
 * caller may see.
 */
export async function readMovement(
  snapshot: ModelsSnapshot,
  caller: Caller,
  id: TransferId | RefundId | TopUpId | PayoutId,
): Promise<string | undefined> {
  const [row] = await select(
    snapshot,
    sql`SELECT m.accounts, m.body FROM ${table(snapshot, "movements", "m")}
      WHERE m.number = ${numberOfId(id)} AND m.tenant = ${caller.tenant}`,
  );
  if (!row) return undefined;
  const body = json(row, "body");
  // Other ids have the same number, but name nothing.
  if (!("id" in body) || body.id !== id) return undefined;
  if (seesWholeTenant(caller.role)) return text(row, "body");
  const accounts = json(row, "accounts");
  const touched = Array.isArray(accounts) ? accounts.filter((account) => Number.isSafeInteger(account)) : [];
  return (await ownsOneOf(snapshot, caller, touched)) ? text(row, "body") : undefined;
}

/** Whether one of these accounts, by their numbers, belongs to the caller. */
async function ownsOneOf(
  snapshot: ModelsSnapshot,
  { tenant, sub }: Caller,
  accounts: readonly number[],
): Promise<boolean> {
  if (accounts.length === 0) return false;
  const numbers = accounts.map((account) => sql`${account}`);
  const rows = await select(
    snapshot,
    sql`SELECT a.number FROM ${table(snapshot, "accounts", "a")}
      WHERE a.number IN (${joined(numbers, ", ")}) AND a.tenant = ${tenant} AND a.owner = ${sub} LIMIT 1`,
  );
  return rows.length > 0;
}
