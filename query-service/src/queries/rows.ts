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
  Micros,
  Payment,
  PaymentId,
  PaymentRow,
  PaymentStatus,
} from "ledger-core";
import { count, json, text, textOrNull, whole, wholeOrNull } from "./columns.ts";

// Rows were written by the projection from decoded events: this is the only place that casts their texts to ids, types
// and states.

/** A payment from its row. What is held and the payee's type matter to decisions only. */
export type PaymentView = Omit<Payment, "held" | "payeeType" | "spentOn">;

export function toAccount(row: AccountRow): Account {
  return {
    id: text(row.id, "id") as AccountId,
    tenant: text(row.tenant, "tenant"),
    type: text(row.type, "type") as AccountType,
    currency: text(row.currency, "currency") as Currency,
    owner: text(row.owner, "owner"),
    displayName: textOrNull(row.display_name, "display_name"),
    timeZone: text(row.time_zone, "time_zone"),
    status: text(row.status, "status") as AccountStatus,
    limits: {
      floor: wholeOrNull(row.floor, "floor"),
      perTransaction: wholeOrNull(row.per_transaction, "per_transaction"),
      perDay: wholeOrNull(row.per_day, "per_day"),
    },
    balances: { posted: whole(row.posted, "posted"), held: whole(row.held, "held") },
    openedAt: instant(row.opened_at, "opened_at"),
  };
}

export function toPayment(row: PaymentRow): PaymentView {
  return {
    id: text(row.id, "id") as PaymentId,
    tenant: text(row.tenant, "tenant"),
    payer: text(row.payer, "payer") as AccountId,
    payee: text(row.payee, "payee") as AccountId,
    amount: whole(row.amount, "amount"),
    currency: text(row.currency, "currency") as Currency,
    status: text(row.status, "status") as PaymentStatus,
    captured: whole(row.captured, "captured"),
    refunded: whole(row.refunded, "refunded"),
    fee: whole(row.fee, "fee"),
    capture: text(row.capture, "capture") as Payment["capture"],
    reference: textOrNull(row.reference, "reference"),
    metadata: json(row.metadata, "metadata") as Payment["metadata"],
    createdAt: instant(row.created_at, "created_at"),
    expiresAt: row.expires_at === null ? null : instant(row.expires_at, "expires_at"),
  };
}

export function toEntry(row: EntryRow): Entry {
  return {
    id: text(row.id, "id") as EntryId,
    tenant: text(row.tenant, "tenant"),
    account: text(row.account, "account") as AccountId,
    amount: whole(row.amount, "amount"),
    balanceAfter: whole(row.balance_after, "balance_after"),
    currency: text(row.currency, "currency") as Currency,
    type: text(row.type, "type") as EntryType,
    bookedAt: instant(row.booked_at, "booked_at"),
    effectiveDate: text(row.effective_date, "effective_date") as BusinessDate,
    counterparty: text(row.counterparty, "counterparty") as AccountId,
    reference: textOrNull(row.reference, "reference"),
    source: { kind: text(row.type, "type") as EntryType, id: text(row.source_id, "source_id") },
    position: { shard: count(row.shard, "shard"), revision: count(row.revision, "revision") },
  };
}

/** An instant that a calendar can show. */
function instant(value: unknown, column: string): Micros {
  const micros = count(value, column);
  return whenShown(micros) ? micros : count(null, column);
}

/** Up to the year 9999; no event is later, and later dates have another format. */
function whenShown(micros: Micros): boolean {
  return micros >= 0 && micros < 253_402_300_800_000_000;
}
