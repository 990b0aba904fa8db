import type { ChargeMove, IdParts } from "ledger-core";
import type { AccountPage } from "../account-page.ts";
import type { AccountStore } from "../account-store.ts";

/**
 * The fast lane of `evolve` for a charge: moves the balances of its two accounts where they lie, without an object per
 * account, unless something about it is unusual or wrong.
 * @returns whether it did; if not, nothing has changed
 */
export function moveCharged(
  accounts: AccountStore,
  { payer, payee, amount, payerBalance, payeeBalance }: ChargeMove,
): boolean {
  if (amount <= 0) return false;
  const from = accounts.pageOf(payer.revision);
  const fromIndex = from ? indexOfUsual(accounts, from, payer) : -1;
  const to = accounts.pageOf(payee.revision);
  const toIndex = to ? indexOfUsual(accounts, to, payee) : -1;
  if (!from || !to || fromIndex < 0 || toIndex < 0 || (from === to && fromIndex === toIndex)) return false;
  // The second page may have taken the memory of the first.
  if (accounts.present(from) !== from || accounts.present(to) !== to) return false;
  if (from.hasDailyLimit(fromIndex)) return false;
  if (from.postedExact(fromIndex) - amount !== payerBalance) return false;
  if (to.postedExact(toIndex) + amount !== payeeBalance) return false;
  accounts.touch(from);
  from.setPostedExact(fromIndex, payerBalance);
  accounts.touch(to);
  to.setPostedExact(toIndex, payeeBalance);
  return true;
}

/** The index of the account with this id; −1 if there is none, or its kind is not known. */
function indexOfUsual(accounts: AccountStore, page: AccountPage, id: IdParts): number {
  const index = accounts.indexOf(page, id);
  return index >= 0 && accounts.knowsKind(page.kind(index)) ? index : -1;
}
