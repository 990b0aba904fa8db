import type { AccountId, Amount, Position } from "ledger-core";
import type { BerkaAccounts } from "./berka-accounts.ts";
import type { LedgerClient } from "./client.ts";
import { pages } from "./entries.ts";
import { asObject, requireAmount, requireText } from "./json.ts";

/**
 * Balances of all accounts of the tenant at one position: per currency, and for the run's customers and counterparties.
 */
export type LedgerSums = {
  readonly byCurrency: Readonly<Record<string, Amount>>;
  readonly customers: Amount;
  readonly counterparties: Amount;
};

const TRIES_MAX = 5;

/** Sums every account that the token may see; starts over if the ledger's position changed between two pages. */
export async function sumLedger(
  client: LedgerClient,
  accounts: BerkaAccounts,
  atLeast: Position | undefined,
): Promise<LedgerSums | undefined> {
  const customerIds: ReadonlySet<string> = new Set<AccountId>(accounts.customers.values());
  const counterpartyIds: ReadonlySet<string> = new Set<AccountId>(accounts.counterparties.values());
  for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
    const byCurrency: Record<string, Amount> = {};
    const positions = new Set<string>();
    let customers = 0n;
    let counterparties = 0n;
    for await (const page of pages(client, "/v1/accounts?order=asc", atLeast)) {
      positions.add(page.position);
      for (const account of page.items) {
        const posted = requireAmount(asObject(account).balances, "posted");
        const currency = requireText(account, "currency");
        byCurrency[currency] = (byCurrency[currency] ?? 0n) + posted;
        const id = requireText(account, "id");
        if (customerIds.has(id)) customers += posted;
        if (counterpartyIds.has(id)) counterparties += posted;
      }
    }
    if (positions.size <= 1) return { byCurrency, customers, counterparties };
  }
  return undefined;
}
