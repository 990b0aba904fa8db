import type { AccountState } from "../domain/account.ts";
import type { LedgerStateDraft } from "../domain/decision.ts";
import type { AccountId, PaymentId } from "../domain/ids.ts";
import type { Payment } from "../domain/payment.ts";

/** The decision state of a small ledger in maps, for tests of deciders and as a model to compare with. */
export type MemoryState = LedgerStateDraft & {
  readonly accounts: ReadonlyMap<AccountId, AccountState>;
  readonly payments: ReadonlyMap<PaymentId, Payment>;
};

export function memoryState(): MemoryState {
  const accounts = new Map<AccountId, AccountState>();
  const payments = new Map<PaymentId, Payment>();
  const clearing = new Map<string, AccountId>();
  return {
    accounts,
    payments,
    account: (id) => accounts.get(id),
    payment: (id) => payments.get(id),
    clearing: (tenant, rail, currency) => clearing.get(JSON.stringify([tenant, rail, currency])),
    putAccount(account) {
      accounts.set(account.id, account);
      if (account.type !== "clearing") return;
      const rail = account.owner.replace(/^rail:/, "");
      clearing.set(JSON.stringify([account.tenant, rail, account.currency]), account.id);
    },
    moveAccount(account, to) {
      accounts.set(account.id, { ...account, ...to });
    },
    putPayment(payment) {
      payments.set(payment.id, payment);
    },
  };
}
