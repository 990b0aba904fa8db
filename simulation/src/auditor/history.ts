import {
  type AccountId,
  type Amount,
  entriesOf,
  formatInstant,
  formatPosition,
  holdOf,
  type LedgerEvent,
  type Micros,
  type PaymentId,
  postingsOf,
  type Revision,
} from "ledger-core";
import { type AuditBooks, statusOf } from "./books.ts";

/** An entry as the API shows it, with its position. */
export type EntryLine = {
  readonly revision: Revision;
  readonly at: Micros;
  readonly type: string;
  readonly amount: Amount;
  readonly body: Readonly<Record<string, unknown>>;
};
type AccountMoment = {
  readonly revision: Revision;
  readonly at: Micros;
  readonly status: string;
  readonly posted: Amount;
  readonly held: Amount;
};
type PaymentMoment = {
  readonly revision: Revision;
  readonly status: string;
  readonly captured: Amount;
  readonly refunded: Amount;
};

/** The whole state at every revision, to check an answer at any position it claims. */
export type History = {
  follow(event: LedgerEvent): void;
  account(id: AccountId, revision: Revision): AccountMoment | undefined;
  /** Oldest first. */
  entries(id: AccountId, revision: Revision): readonly EntryLine[];
  payment(id: PaymentId, revision: Revision): PaymentMoment | undefined;
  /** In order of creation. */
  payments(revision: Revision): readonly PaymentId[];
};

export function makeHistory(books: AuditBooks): History {
  const accounts = new Map<AccountId, AccountMoment[]>();
  const entries = new Map<AccountId, EntryLine[]>();
  const payments = new Map<PaymentId, PaymentMoment[]>();

  function noteAccount({ revision, at }: LedgerEvent, id: AccountId): void {
    const account = books.accounts.get(id);
    if (!account) return;
    const { status, posted, held } = account;
    pushTo(accounts, id, { revision, at, status, posted, held });
  }

  return {
    follow(event) {
      const { fact, revision, at } = event;
      for (const posting of postingsOf(fact)) noteAccount(event, posting.account);
      const hold = holdOf(fact);
      if (hold) noteAccount(event, hold.account);
      if ("account" in fact && typeof fact.account === "object") noteAccount(event, fact.account.id);
      for (const entry of entriesOf(event)) {
        const { id, account, amount, balanceAfter, currency, type, effectiveDate, counterparty, reference, source } =
          entry;
        const texts = { amount: `${amount}`, balanceAfter: `${balanceAfter}`, bookedAt: formatInstant(at) };
        const rest = {
          currency,
          type,
          effectiveDate,
          counterparty,
          reference,
          source,
          position: formatPosition(event),
        };
        pushTo(entries, account, { revision, at, type, amount, body: { id, account, ...texts, ...rest } });
      }
      if (!("payment" in fact) || typeof fact.payment === "string") return;
      const payment = books.payments.get(fact.payment.id);
      if (!payment) return;
      const { captured, refunded } = payment;
      pushTo(payments, payment.id, { revision, status: statusOf(payment), captured, refunded });
    },
    account: (id, revision) => lastUpTo(accounts.get(id) ?? [], revision),
    entries: (id, revision) => {
      const all = entries.get(id) ?? [];
      return all.slice(0, countUpTo(all, revision));
    },
    payment: (id, revision) => lastUpTo(payments.get(id) ?? [], revision),
    payments(revision) {
      const ids: PaymentId[] = [];
      for (const [id, [first]] of payments) if (first && first.revision <= revision) ids.push(id);
      return ids;
    },
  };
}

function pushTo<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const known = map.get(key);
  if (known) known.push(value);
  else map.set(key, [value]);
}

/** The number of items at or before a revision, in a list sorted by revision. */
function countUpTo(items: readonly { readonly revision: Revision }[], revision: Revision): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((items[middle]?.revision ?? 0) <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}

function lastUpTo<T extends { readonly revision: Revision }>(items: readonly T[], revision: Revision): T | undefined {
  return items[countUpTo(items, revision) - 1];
}
