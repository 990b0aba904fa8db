import {
  type Account,
  type AccountRow,
  type AuthorizationRow,
  assert,
  type ChargeRow,
  type EntryRow,
  type EntryType,
  type HoldChangeRow,
  holdOf,
  type LedgerEvent,
  type Metadata,
  MILESTONE_SPAN,
  type MilestoneRow,
  type MovementRow,
  type Payment,
  type PaymentRow,
  type PaymentStateRow,
  type Posting,
  type Projection,
  payoutBody,
  refundBody,
  topUpBody,
  transferBody,
  unreachable,
} from "ledger-core";
import {
  accountStatusCodes,
  accountTypeCodes,
  captureCodes,
  dayOf,
  entryTypeCodes,
  idOf,
  type MovementKind,
  movementKindCodes,
  numberOf,
  numberOfId,
  paymentStatusCodes,
  saltOf,
  type Written,
} from "ledger-core/sql";

/** A change of the read models; a charge is a payment and its two entries. */
export type ModelChange =
  | ChargeRow
  | { readonly kind: "account"; readonly row: NewAccount }
  | { readonly kind: "status"; readonly account: number; readonly status: number }
  | { readonly kind: "entry"; readonly row: NewEntry }
  | { readonly kind: "hold"; readonly row: NewHoldChange }
  | { readonly kind: "payment"; readonly row: Written<PaymentRow> }
  | { readonly kind: "state"; readonly row: NewPaymentState }
  | { readonly kind: "authorization"; readonly row: NewAuthorization }
  | { readonly kind: "movement"; readonly row: Written<MovementRow> }
  | { readonly kind: "milestone"; readonly row: Written<MilestoneRow> };

export type NewAccount = Written<AccountRow> & { readonly number: number };
/** The run is up to the store. */
export type NewEntry = Omit<Written<EntryRow>, "run"> & {
  readonly account: number;
  readonly revision: number;
  readonly amount: bigint;
};
export type NewAuthorization = Written<AuthorizationRow> & { readonly account: number };
export type NewHoldChange = Written<HoldChangeRow> & { readonly account: number };
export type NewPaymentState = Written<PaymentStateRow> & { readonly number: number };

/** The tables behind every query: accounts, entries, payments and the other movements. */
export const modelsProjection: Projection<ModelChange> = { name: "models", project, projectCharge };

function project(event: LedgerEvent): readonly ModelChange[] {
  const changes = changesOf(event);
  if (isMilestone(event)) changes.push(milestone(event));
  return changes;
}

function projectCharge(row: ChargeRow): readonly ModelChange[] {
  return isMilestone(row) ? [row, milestone(row)] : [row];
}

function isMilestone({ revision }: Pick<LedgerEvent, "revision">): boolean {
  return revision % MILESTONE_SPAN === 0;
}

function milestone({ shard, revision, at }: Pick<LedgerEvent, "shard" | "revision" | "at">): ModelChange {
  return { kind: "milestone", row: { shard, span: revision / MILESTONE_SPAN, at } };
}

function changesOf(event: LedgerEvent): ModelChange[] {
  const { fact } = event;
  switch (fact.type) {
    case "AccountOpened":
      return [{ kind: "account", row: accountRow(fact.account, fact.metadata) }];
    case "AccountFrozen":
    case "AccountUnfrozen":
    case "AccountClosed": {
      const { id, status } = fact.account;
      return [{ kind: "status", account: numberOfId(id), status: accountStatusCodes.codeOf(status) }];
    }
    case "TransferPosted":
      return [
        ...entryChanges(event, fact.postings, "transfer", fact.reference),
        movement(event, "transfer", fact.transfer, transferBody({ ...event, fact })),
      ];
    case "TopUpSettled":
      return [
        ...entryChanges(event, fact.postings, "top-up", fact.externalId),
        movement(event, "top-up", fact.topUp, topUpBody({ ...event, fact })),
      ];
    case "PayoutSettled":
      return [
        ...entryChanges(event, fact.postings, "payout", fact.externalId),
        movement(event, "payout", fact.payout, payoutBody({ ...event, fact })),
      ];
    case "PaymentCharged": {
      const changes = entryChanges(event, fact.postings, "payment", fact.payment.reference);
      changes.push({ kind: "payment", row: paymentRow(event, fact.payment) });
      return changes;
    }
    case "PaymentAuthorized":
      return authorized(event, fact.payment);
    case "PaymentVoided":
    case "PaymentExpired":
      return [holdChange(event), stateChange(fact.payment)];
    case "PaymentCaptured": {
      const { id, reference } = fact.payment;
      const changes = entryChanges(event, fact.postings, "payment", reference, numberOfId(id));
      changes.push(holdChange(event), stateChange(fact.payment));
      return changes;
    }
    case "PaymentRefunded":
      return [
        ...entryChanges(event, fact.postings, "refund", fact.payment.reference),
        stateChange(fact.payment),
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

function accountRow(account: Account, metadata: Metadata): NewAccount {
  const { id, limits, openedAt } = account;
  const number = numberOfId(id);
  const salt = saltOf(id);
  assert(idOf("acct", openedAt, number, salt) === id, "an account's id is made of its number, time and salt");
  return {
    number,
    salt,
    tenant: account.tenant,
    owner: account.owner,
    type: accountTypeCodes.codeOf(account.type),
    status: accountStatusCodes.codeOf(account.status),
    currency: account.currency,
    display_name: account.displayName,
    time_zone: account.timeZone,
    floor: limits.floor,
    per_transaction: limits.perTransaction,
    per_day: limits.perDay,
    opened_at: openedAt,
    metadata: metadataText(metadata),
  };
}

/** @param source the number of the captured payment; null if this event is itself the entries' source */
function entryChanges(
  event: LedgerEvent,
  postings: readonly Posting[],
  type: EntryType,
  reference: string | null,
  source: number | null = null,
): ModelChange[] {
  const { id, revision, at } = event;
  const salt = saltOf(id);
  const code = entryTypeCodes.codeOf(type);
  const accounts = postings.map(({ account }) => numberOfId(account));
  return postings.map(({ amount, balance, date }, idx): ModelChange => {
    const account = accounts[idx];
    const counterparty = accounts[idx ^ 1];
    assert(account !== undefined && counterparty !== undefined, "postings are in pairs");
    const day = dayOf(date);
    return {
      kind: "entry",
      row: { account, revision, idx, at, amount, balance, day, type: code, counterparty, salt, source, reference },
    };
  });
}

function holdChange(event: LedgerEvent): ModelChange {
  const hold = holdOf(event.fact);
  assert(hold, `${event.fact.type} carries a hold`);
  const { revision, at } = event;
  return { kind: "hold", row: { account: numberOfId(hold.account), revision, at, held: hold.held } };
}

function authorized(event: LedgerEvent, payment: Payment): ModelChange[] {
  const number = numberOf(event);
  return [
    holdChange(event),
    { kind: "payment", row: paymentRow(event, payment) },
    stateChange(payment),
    { kind: "authorization", row: { account: numberOfId(payment.payer), number } },
    { kind: "authorization", row: { account: numberOfId(payment.payee), number } },
  ];
}

/** A payment made by this event. */
function paymentRow(event: LedgerEvent, payment: Payment): Written<PaymentRow> {
  assert(isMadeBy(event, payment.id) && payment.createdAt === event.at, "a payment is made by its first event");
  return {
    tenant: payment.tenant,
    number: numberOf(event),
    payer: numberOfId(payment.payer),
    payee: numberOfId(payment.payee),
    amount: payment.amount,
    fee: payment.fee,
    salt: saltOf(event.id),
    at: event.at,
    capture: captureCodes.codeOf(payment.capture),
    expires_at: payment.expiresAt,
    reference: payment.reference,
    metadata: metadataText(payment.metadata),
  };
}

/** Whether an id has the same 26 characters as the event's. */
function isMadeBy({ id: event }: LedgerEvent, id: string): boolean {
  return id.endsWith(event.slice(-26));
}

function stateChange(payment: Payment): ModelChange {
  return {
    kind: "state",
    row: {
      number: numberOfId(payment.id),
      tenant: payment.tenant,
      payer: numberOfId(payment.payer),
      payee: numberOfId(payment.payee),
      status: paymentStatusCodes.codeOf(payment.status),
      captured: payment.captured,
      refunded: payment.refunded,
      fee: payment.fee,
    },
  };
}

function movement(event: LedgerEvent, kind: MovementKind, id: string, body: object): ModelChange {
  assert(isMadeBy(event, id), `a ${kind} is made by its event`);
  const touched = "postings" in event.fact ? event.fact.postings.map(({ account }) => numberOfId(account)) : [];
  return {
    kind: "movement",
    row: {
      number: numberOf(event),
      tenant: event.origin.tenant,
      kind: movementKindCodes.codeOf(kind),
      salt: saltOf(event.id),
      at: event.at,
      accounts: JSON.stringify([...new Set(touched)]),
      body: JSON.stringify(body),
    },
  };
}

function metadataText(metadata: Metadata): string | null {
  for (const _ in metadata) return JSON.stringify(metadata);
  return null;
}
