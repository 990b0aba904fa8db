import type { AccountStatus, AccountType } from "ledger-core";

const types: Record<AccountType, true> = {
  wallet: true,
  merchant: true,
  bank: true,
  revenue: true,
  suspense: true,
  clearing: true,
  transit: true,
};
const statuses: Record<AccountStatus, true> = { open: true, frozen: true, closed: true };

/** Every type of account, the ledger's own included. */
export const accountTypes: readonly string[] = Object.keys(types);
export const accountStatuses: readonly string[] = Object.keys(statuses);
