import type {
  Account,
  AccountId,
  AccountRow,
  AccountStatus,
  AccountType,
  BusinessDate,
  Currency,
  Entry,
  EntryId,
  EntryRow,
  EntryType,
  Payment,
  PaymentId,
  PaymentRow,
  PaymentStatus,
} from "ledger-core";

// Rows hold what the projection wrote from decoded events: their texts are ids, types and states, and are named so here
// and nowhere else.

/** What a payment's row tells of it; what is held and the payee's type matter to decisions only. */
export type PaymentView = Omit<Payment, "held" | "payeeType">;

export function toAccount(row: AccountRow): Account {
  return {
    id: row.id as AccountId,
    tenant: row.tenant,
    type: row.type as AccountType,
    currency: row.currency as Currency,
    owner: row.owner,
    displayName: row.display_name,
    timeZone: row.time_zone,
    status: row.status as AccountStatus,
    limits: { floor: row.floor, perTransaction: row.per_transaction, perDay: row.per_day },
    balances: { posted: row.posted, held: row.held },
    openedAt: Number(row.opened_at),
  };
}

export function toPayment(row: PaymentRow): PaymentView {
  return {
    id: row.id as PaymentId,
    tenant: row.tenant,
    payer: row.payer as AccountId,
    payee: row.payee as AccountId,
    amount: row.amount,
    currency: row.currency as Currency,
    status: row.status as PaymentStatus,
    captured: row.captured,
    refunded: row.refunded,
    fee: row.fee,
    capture: row.capture as Payment["capture"],
    reference: row.reference,
    metadata: JSON.parse(row.metadata) as Payment["metadata"],
    createdAt: Number(row.created_at),
    expiresAt: row.expires_at === null ? null : Number(row.expires_at),
  };
}

export function toEntry(row: EntryRow): Entry {
  return {
    id: row.id as EntryId,
    tenant: row.tenant,
    account: row.account as AccountId,
    amount: row.amount,
    balanceAfter: row.balance_after,
    currency: row.currency as Currency,
    type: row.type as EntryType,
    bookedAt: Number(row.booked_at),
    effectiveDate: row.effective_date as BusinessDate,
    counterparty: row.counterparty as AccountId,
    reference: row.reference,
    source: { kind: row.type as EntryType, id: row.source_id },
    position: { shard: Number(row.shard), revision: Number(row.revision) },
  };
}
