import { assert, type LedgerEvent, type Payment, type StoredForm, sourceOf } from "ledger-core";
import type { Cell, Column, Row, TableShape } from "../delta/columns.ts";
import { bookedDate, dayOf } from "./days.ts";
import { type ChargeLane, chargeLanes } from "./fast/charges.ts";
import { payloadOf } from "./payload.ts";
import type { Pseudonyms } from "./pseudonyms.ts";

/** A table of the export and the pure function that makes its rows from an event. */
export type ExportTable = TableShape & {
  /** For people who read the table. */
  readonly about: string;
  rows(event: LedgerEvent, stored: StoredForm, names: Pseudonyms): readonly Row[];
  /** The fast lane of `rows`, for plain charges. */
  readonly charges: ChargeLane;
};

const place: readonly Column[] = [
  { name: "booked_date", type: "date", about: "UTC day of booking; the table is partitioned by it" },
  { name: "shard", type: "int", about: "shard of the event" },
  { name: "revision", type: "long", about: "place of the event in its shard, from 0 without gaps" },
  { name: "booked_at", type: "timestamp", about: "time of booking, UTC, microseconds" },
  { name: "tenant", type: "string", about: "pseudonym of the tenant" },
];

/** The cells of `place`. Rows add theirs by `concat`, which costs a tenth of spreading both. */
function placeOf({ at, shard, revision, origin }: LedgerEvent, names: Pseudonyms): Cell[] {
  return [bookedDate(at), shard, BigInt(revision), BigInt(at), names.of("tenant", origin.tenant)];
}

const partitioned = { partition: "booked_date", bounded: ["shard", "revision"] } as const;

const ledgerEvents: ExportTable = {
  name: "ledger_events",
  charges: chargeLanes.ledger_events,
  about: "Every event, a row each.",
  ...partitioned,
  columns: [
    ...place,
    { name: "event_id", type: "string", about: "id of the event" },
    { name: "type", type: "string", about: "type of the event, such as PaymentCharged" },
    { name: "version", type: "int", about: "version of the type's form in the log" },
    { name: "payload", type: "string", about: "JSON: the fields on the allow-list; amounts in minor units, as text" },
    { name: "leaf", type: "string", about: "RFC 9162 leaf hash of the event in the log, hex" },
  ],
  rows(event, { version, leaf }, names) {
    const { id, fact } = event;
    const payload = JSON.stringify(payloadOf(fact, names));
    const hash = Buffer.from(leaf.buffer, leaf.byteOffset, leaf.byteLength).toString("hex");
    return [placeOf(event, names).concat([id, fact.type, version, payload, hash])];
  },
};

const postings: ExportTable = {
  name: "postings",
  charges: chargeLanes.postings,
  about: "A row for each posting: what moved, on which account, and its balance after it.",
  ...partitioned,
  columns: [
    ...place,
    { name: "posting", type: "int", about: "index in the event, from 0" },
    { name: "account", type: "string", about: "pseudonym of the account" },
    { name: "counterparty", type: "string", about: "pseudonym of the account on the other side" },
    { name: "amount", type: "long", about: "minor units; credits positive; sums to zero per event and currency" },
    { name: "balance", type: "long", about: "posted balance of the account after it, minor units" },
    { name: "currency", type: "string", about: "ISO 4217 code" },
    { name: "effective_date", type: "date", about: "business day in the account's time zone" },
    { name: "kind", type: "string", about: "payment, refund, transfer, top-up or payout" },
    { name: "source_id", type: "string", about: "id of the payment, refund, transfer, top-up or payout" },
  ],
  rows(event, _, names) {
    const { fact } = event;
    if (!("postings" in fact)) return [];
    const at = placeOf(event, names);
    const { kind, id, currency } = sourceOf(fact);
    return fact.postings.map(({ account, amount, balance, date }, index) => {
      const counterparty = fact.postings[index ^ 1];
      assert(counterparty, `posting ${index} of ${fact.type} ${id} has no counterpart`);
      const [party, other] = [names.of("account", account), names.of("account", counterparty.account)];
      return at.concat([index, party, other, amount, balance, currency, dayOf(date), kind, id]);
    });
  },
};

const payments: ExportTable = {
  name: "payments",
  charges: chargeLanes.payments,
  about: "A row for each change of a payment's state; its last row is its state now.",
  ...partitioned,
  columns: [
    ...place,
    { name: "payment_id", type: "string", about: "id of the payment" },
    { name: "change", type: "string", about: "type of the event that changed it" },
    { name: "payer", type: "string", about: "pseudonym of the paying account" },
    { name: "payee", type: "string", about: "pseudonym of the paid account" },
    { name: "payee_type", type: "string", about: "type of the paid account, such as merchant" },
    { name: "amount", type: "long", about: "asked for, minor units" },
    { name: "captured", type: "long", about: "captured so far, minor units" },
    { name: "refunded", type: "long", about: "refunded so far, minor units" },
    { name: "held", type: "long", about: "authorized, neither captured nor released, minor units" },
    { name: "fee", type: "long", about: "the merchant's fee, minor units" },
    { name: "currency", type: "string", about: "ISO 4217 code" },
    { name: "status", type: "string", about: "status after the change" },
    { name: "capture", type: "string", about: "automatic or manual" },
    { name: "created_at", type: "timestamp", about: "time of the payment's first event" },
  ],
  rows(event, _, names) {
    const { fact } = event;
    if (!("payment" in fact) || "code" in fact) return [];
    const { payment, type } = fact;
    const [payer, payee] = [names.of("account", payment.payer), names.of("account", payment.payee)];
    const cells = [payment.id, type, payer, payee, payment.payeeType];
    return [placeOf(event, names).concat(cells, stateOf(payment))];
  },
};

function stateOf({ amount, captured, refunded, held, fee, currency, status, capture, createdAt }: Payment): Cell[] {
  return [amount, captured, refunded, held, fee, currency, status, capture, BigInt(createdAt)];
}

const accounts: ExportTable = {
  name: "accounts",
  charges: chargeLanes.accounts,
  about: "A row for each change of an account that is no movement; balances are in `postings`.",
  ...partitioned,
  columns: [
    ...place,
    { name: "account", type: "string", about: "pseudonym of the account" },
    { name: "change", type: "string", about: "type of the event that changed it" },
    { name: "account_type", type: "string", about: "wallet, merchant, bank, revenue, suspense, clearing or transit" },
    { name: "owner", type: "string", about: "pseudonym of the owner" },
    { name: "currency", type: "string", about: "ISO 4217 code" },
    { name: "time_zone", type: "string", about: "IANA time zone of its business days" },
    { name: "status", type: "string", about: "status after the change" },
    { name: "opened_at", type: "timestamp", about: "time of opening" },
  ],
  rows(event, _, names) {
    const { fact } = event;
    if (!("account" in fact) || typeof fact.account === "string") return [];
    const { id, type, owner, currency, timeZone, status, openedAt } = fact.account;
    const party = [names.of("account", id), fact.type, type, names.of("owner", owner)];
    return [placeOf(event, names).concat(party, [currency, timeZone, status, BigInt(openedAt)])];
  },
};

const graphEdges: ExportTable = {
  name: "graph_edges",
  charges: chargeLanes.graph_edges,
  about: "A row each time a payment moves money from its payer to its payee, or a refund moves it back.",
  ...partitioned,
  columns: [
    ...place,
    { name: "payer", type: "string", about: "pseudonym of the paying account" },
    { name: "payee", type: "string", about: "pseudonym of the paid account" },
    { name: "payee_type", type: "string", about: "type of the paid account, such as merchant" },
    { name: "payment_id", type: "string", about: "id of the payment" },
    { name: "amount", type: "long", about: "minor units; negative for a refund; a payment's sum is what was kept" },
    { name: "currency", type: "string", about: "ISO 4217 code" },
  ],
  rows(event, _, names) {
    const { fact } = event;
    const moved = movedBy(fact);
    if (moved === undefined) return [];
    const { id, payer, payee, payeeType, currency } = moved.payment;
    const [from, to] = [names.of("account", payer), names.of("account", payee)];
    return [placeOf(event, names).concat([from, to, payeeType, id, moved.amount, currency])];
  },
};

function movedBy(fact: LedgerEvent["fact"]): { readonly payment: Payment; readonly amount: bigint } | undefined {
  switch (fact.type) {
    case "PaymentCharged":
      return { payment: fact.payment, amount: fact.payment.captured };
    case "PaymentCaptured":
      return { payment: fact.payment, amount: fact.amount };
    case "PaymentRefunded":
      return { payment: fact.payment, amount: -fact.amount };
    default:
      return undefined;
  }
}

/** All tables. A new one needs its place here. */
export const exportTables: readonly ExportTable[] = [ledgerEvents, postings, payments, accounts, graphEdges];
