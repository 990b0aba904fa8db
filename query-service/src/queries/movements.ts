import type { Caller, MovementRow, PayoutId, RefundId, TopUpId, TransferId } from "ledger-core";
import { seesWholeTenant } from "ledger-core";
import { ownsOneOf } from "./accounts.ts";
import { json } from "./columns.ts";
import type { ModelsSnapshot } from "./snapshot.ts";

/**
 * A transfer, refund, top-up or payout; undefined when it does not exist or touches no account that the caller may see.
 */
export async function readMovement(
  snapshot: ModelsSnapshot,
  caller: Caller,
  id: TransferId | RefundId | TopUpId | PayoutId,
): Promise<MovementRow | undefined> {
  const row = await snapshot.db<MovementRow>(snapshot.table("movements")).where({ id, tenant: caller.tenant }).first();
  if (!row) return undefined;
  if (seesWholeTenant(caller.role)) return row;
  const accounts = json(row.accounts, "accounts");
  const touched = Array.isArray(accounts) ? accounts.filter((account) => typeof account === "string") : [];
  return (await ownsOneOf(snapshot, caller.tenant, caller.sub, touched)) ? row : undefined;
}
