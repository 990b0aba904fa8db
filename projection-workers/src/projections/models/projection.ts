import {
  type Account,
  type AccountRow,
  type AccountStatus,
  assert,
  type Entry,
  type EntryRow,
  entriesOf,
  type HoldChangeRow,
  holdOf,
  type LedgerEvent,
  type Metadata,
  type MovementRow,
  type Payment,
  type PaymentRow,
  type Projection,
  payoutBody,
  readId,
  refundBody,
  type Shard,
  topUpBody,
  transferBody,
  unreachable,
} from "ledger-core";

/** A change of the read models. An entry or hold also sets its account's balance, which the event carries. */
export type ModelChange =
  | { readonly kind: "account"; readonly row: AccountRow }
  | { readonly kind: "status"; readonly account: string; readonly status: AccountStatus }
  | { readonly kind: "entry"; readonly row: EntryRow }
  | { readonly kind: "hold"; readonly shard: Shard; readonly row: HoldChangeRow }
  /** `made`: this event created the payment, so its owners must be listed. */
  | { readonly kind: "payment"; readonly row: PaymentRow; readonly made: boolean }
  | { readonly kind: "movement"; readonly row: MovementRow };

/** The tables behind every query: accounts, entries, payments and the other movements. */
export const modelsProjection: Projection<ModelChange> = { name: "models", version: 2, project };

function project(event: LedgerEvent): readonly ModelChange[] {
  const { fact } = event;
  switch (fact.type) {
    case "AccountOpened":
      return [{ kind: "account", row: accountRow(event, fact.account, fact.metadata) }];
    case "AccountFrozen":
    case "AccountUnfrozen":
    case "AccountClosed":
      return [{ kind: "status", account: fact.account.id, status: fact.account.status }];
    case "TransferPosted":
      return [...entryChanges(event), movement(event, "transfer", fact.transfer, transferBody({ ...event, fact }))];
    case "TopUpSettled":
      return [...entryChanges(event), movement(event, "top-up", fact.topUp, topUpBody({ ...event, fact }))];
    case "PayoutSettled":
      return [...entryChanges(event), movement(event, "payout", fact.payout, payoutBody({ ...event, fact }))];
    case "PaymentCharged":
      return [...entryChanges(event), paymentChange(fact.payment, true)];
    case "PaymentAuthorized":
      return [...holdChanges(event), paymentChange(fact.payment, true)];
    case "PaymentVoided":
    case "PaymentExpired":
      return [...holdChanges(event), paymentChange(fact.payment, false)];
    case "PaymentCaptured":
      return [...entryChanges(event), ...holdChanges(event), paymentChange(fact.payment, false)];
    case "PaymentRefunded":
      return [
        ...entryChanges(event),
        paymentChange(fact.payment, false),
        movement(event, "refund", fact.refund, refundBody({ ...event, fact })),
      ];
    case "WriterEpochStarted":
    case "AccountChangeDeclined":
    case "TransferDeclined":
    case "TopUpDeclined":
    case "PayoutDeclined":
    case "PaymentDeclined":
    case "CaptureDeclined":
    case "VoidDeclined":
    case "RefundDeclined":
    case "BulkRecorded":
      return [];
    default:
      return unreachable(fact);
  }
}

function accountRow(event: LedgerEvent, account: Account, metadata: Metadata): AccountRow {
  return {
    id: account.id,
    tenant: account.tenant,
    owner: account.owner,
    type: account.type,
    currency: account.currency,
    status: account.status,
    display_name: account.displayName,
    time_zone: account.timeZone,
    floor: account.limits.floor,
    per_transaction: account.limits.perTransaction,
    per_day: account.limits.perDay,
    posted: account.balances.posted,
    held: account.balances.held,
    opened_at: BigInt(account.openedAt),
    metadata: JSON.stringify(metadata),
    shard: event.shard,
  };
}

function entryChanges(event: LedgerEvent): ModelChange[] {
  return entriesOf(event).map((entry, idx) => ({ kind: "entry", row: entryRow(entry, idx) }));
}

function entryRow(entry: Entry, idx: number): EntryRow {
  return {
    account: entry.account,
    revision: BigInt(entry.position.revision),
    idx,
    id: entry.id,
    tenant: entry.tenant,
    shard: entry.position.shard,
    amount: entry.amount,
    balance_after: entry.balanceAfter,
    currency: entry.currency,
    type: entry.type,
    booked_at: BigInt(entry.bookedAt),
    effective_date: entry.effectiveDate,
    counterparty: entry.counterparty,
    reference: entry.reference,
    source_id: entry.source.id,
  };
}

function holdChanges(event: LedgerEvent): ModelChange[] {
  const hold = holdOf(event.fact);
  assert(hold, `${event.fact.type} carries a hold`);
  const row = { account: hold.account, revision: BigInt(event.revision), booked_at: BigInt(event.at), held: hold.held };
  return [{ kind: "hold", shard: event.shard, row }];
}

function paymentChange(payment: Payment, made: boolean): ModelChange {
  return { kind: "payment", row: paymentRow(payment), made };
}

function paymentRow(payment: Payment): PaymentRow {
  return {
    id: payment.id,
    tenant: payment.tenant,
    payer: payment.payer,
    payee: payment.payee,
    amount: payment.amount,
    currency: payment.currency,
    status: payment.status,
    captured: payment.captured,
    refunded: payment.refunded,
    fee: payment.fee,
    capture: payment.capture,
    reference: payment.reference,
    metadata: JSON.stringify(payment.metadata),
    created_at: BigInt(payment.createdAt),
    expires_at: payment.expiresAt === null ? null : BigInt(payment.expiresAt),
    shard: readId(payment.id).shard,
  };
}

function movement(event: LedgerEvent, kind: string, id: string, body: object): ModelChange {
  const touched = "postings" in event.fact ? event.fact.postings.map(({ account }) => account) : [];
  return {
    kind: "movement",
    row: {
      id,
      kind,
      tenant: event.origin.tenant,
      accounts: JSON.stringify([...new Set(touched)]),
      body: JSON.stringify(body),
      shard: event.shard,
    },
  };
}
