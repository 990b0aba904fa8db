import {
  type Account,
  type AccountId,
  type Currency,
  type Entry,
  type EntryType,
  entryId,
  type Payment,
  type PaymentStatus,
} from "ledger-core";
import {
  accountStatusCodes,
  accountTypeCodes,
  captureCodes,
  dateOf,
  entryTypeCodes,
  idOf,
  numberOf,
  paymentStatusCodes,
  positionOf,
} from "ledger-core/sql";
import {
  count,
  instant,
  json,
  number,
  type ReadRow,
  salt,
  text,
  textOrNull,
  unreadable,
  whole,
  wholeOrNull,
} from "./columns.ts";

// Rows were written by the projection from decoded events; only this file casts their texts.

/** A payment from its row. Only decisions need the held amount and the payee's type. */
export type PaymentView = Omit<Payment, "held" | "payeeType" | "spentOn">;

/** The columns of an account `a` are its own; `posted` and `held` are null before the first entry and hold. */
export function toAccount(row: ReadRow): Account {
  return {
    id: idOf("acct", instant(row, "opened_at"), number(row, "number"), salt(row, "salt")),
    tenant: text(row, "tenant"),
    type: accountTypeCodes.wordOf(row.type),
    currency: text(row, "currency") as Currency,
    owner: text(row, "owner"),
    displayName: textOrNull(row, "display_name"),
    timeZone: text(row, "time_zone"),
    status: accountStatusCodes.wordOf(row.status),
    limits: {
      floor: wholeOrNull(row, "floor"),
      perTransaction: wholeOrNull(row, "per_transaction"),
      perDay: wholeOrNull(row, "per_day"),
    },
    balances: { posted: wholeOrNull(row, "posted") ?? 0n, held: wholeOrNull(row, "held") ?? 0n },
    openedAt: instant(row, "opened_at"),
  };
}

/** A payment with its accounts (`payer_…`, `payee_…`) and its state (`state_…`), null for one as it was made. */
export function toPayment(row: ReadRow): PaymentView {
  const amount = whole(row, "amount");
  const at = instant(row, "at");
  return {
    id: idOf("pay", at, number(row, "number"), salt(row, "salt")),
    tenant: text(row, "tenant"),
    payer: accountIdOf(row, "payer"),
    payee: accountIdOf(row, "payee"),
    amount,
    currency: text(row, "payer_currency") as Currency,
    ...stateOf(row, amount),
    capture: captureCodes.wordOf(row.capture),
    reference: textOrNull(row, "reference"),
    metadata: row.metadata === null ? {} : (json(row, "metadata") as Payment["metadata"]),
    createdAt: at,
    expiresAt: row.expires_at === null ? null : instant(row, "expires_at"),
  };
}

function stateOf(row: ReadRow, amount: bigint): Pick<Payment, "status" | "captured" | "refunded" | "fee"> {
  if (row.state_status === null) {
    // A manual payment has a state from its authorization on.
    if (captureCodes.wordOf(row.capture) === "manual") throw unreadable("state");
    return { status: "captured" satisfies PaymentStatus, captured: amount, refunded: 0n, fee: whole(row, "fee") };
  }
  return {
    status: paymentStatusCodes.wordOf(row.state_status),
    captured: whole(row, "state_captured"),
    refunded: whole(row, "state_refunded"),
    fee: whole(row, "state_fee"),
  };
}

/** The id of an account whose row was joined as `<side>_at` and `<side>_salt`. */
function accountIdOf(row: ReadRow, side: string): AccountId {
  return idOf("acct", instant(row, `${side}_at`), number(row, side), salt(row, `${side}_salt`));
}

const prefixes = { payment: "pay", refund: "rfd", transfer: "txf", "top-up": "top", payout: "pyt" } as const;

/** An entry with the rows of its counterparty (`counterparty_…`) and of the captured payment (`payment_…`). */
export function toEntry(account: Pick<Account, "id" | "tenant" | "currency">, row: ReadRow): Entry {
  const at = instant(row, "at");
  const { shard } = positionOf(number(row, "account"));
  const position = { shard, revision: count(row, "revision") };
  const type = entryTypeCodes.wordOf(row.type);
  return {
    id: entryId(at, position, count(row, "idx")),
    tenant: account.tenant,
    account: account.id,
    amount: whole(row, "amount"),
    balanceAfter: whole(row, "balance"),
    currency: account.currency,
    type,
    bookedAt: at,
    effectiveDate: dateOf(row.day),
    counterparty: accountIdOf(row, "counterparty"),
    reference: textOrNull(row, "reference"),
    source: { kind: type, id: sourceOf(row, type, numberOf(position), at) },
    position,
  };
}

/** The id of the object that moved the money: made by the entry's own event, or the payment that the event captured. */
function sourceOf(row: ReadRow, type: EntryType, made: number, at: number): string {
  if (row.source === null) return idOf(prefixes[type], at, made, salt(row, "salt"));
  return idOf("pay", instant(row, "payment_at"), number(row, "source"), salt(row, "payment_salt"));
}
