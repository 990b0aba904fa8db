import type { TableBatch } from "../../delta/batch.ts";
import type { CellsOf, TextWriter } from "../../delta/columns.ts";
import { dayOf } from "../days.ts";
import type { Charge } from "./charge.ts";
import { chargePayload } from "./charge-payload.ts";

/** The fast lane of a table's `rows` for charges, by far the most events: their cells, and no row. */
export type ChargeLane = { add(charges: readonly Charge[], batch: TableBatch): void };

function laneOf<Source>(
  sourcesOf: (charges: readonly Charge[]) => readonly Source[],
  cells: CellsOf<Source>,
): ChargeLane {
  return { add: (charges, batch) => batch.addFrom(sourcesOf(charges), cells) };
}

const place: CellsOf<Charge> = [
  ({ day }) => day,
  ({ stored }) => stored.shard,
  ({ stored }) => stored.revision,
  ({ stored }) => stored.at,
  ({ tenant }) => tenant,
];

const themselves = (charges: readonly Charge[]) => charges;

/** A charge's posting. */
type Side = {
  readonly charge: Charge;
  readonly index: 0 | 1;
  readonly account: string;
  readonly counterparty: string;
  readonly amount: number;
  readonly balance: number;
  readonly date: number;
};

function sidesOf(charges: readonly Charge[]): readonly Side[] {
  const sides: Side[] = [];
  for (const charge of charges) {
    const { payer, payee, amount, payerBalance, payeeBalance, payerDate, payeeDate } = charge.fields;
    const [debit, credit] = [dayOf(payerDate), dayOf(payeeDate)];
    sides.push(
      { charge, index: 0, account: payer, counterparty: payee, amount: -amount, balance: payerBalance, date: debit },
      { charge, index: 1, account: payee, counterparty: payer, amount, balance: payeeBalance, date: credit },
    );
  }
  return sides;
}

const HEX = Buffer.from("0123456789abcdef");
const LEAF_BYTES = 32;

const leafHex: TextWriter<Charge> = {
  most: 2 * LEAF_BYTES,
  write({ stored: { leaf } }, into, from) {
    let at = from;
    for (let i = 0; i < LEAF_BYTES; i++) {
      const byte = leaf[i] ?? 0;
      into[at++] = HEX[byte >> 4] ?? 0;
      into[at++] = HEX[byte & 0xf] ?? 0;
    }
    return at;
  },
};

export const chargeLanes = {
  ledger_events: laneOf<Charge>(themselves, [
    ...place,
    ({ stored }) => stored.id,
    () => "PaymentCharged",
    ({ stored }) => stored.version,
    chargePayload,
    leafHex,
  ]),
  postings: laneOf<Side>(sidesOf, [
    ({ charge }) => charge.day,
    ({ charge }) => charge.stored.shard,
    ({ charge }) => charge.stored.revision,
    ({ charge }) => charge.stored.at,
    ({ charge }) => charge.tenant,
    ({ index }) => index,
    ({ account }) => account,
    ({ counterparty }) => counterparty,
    ({ amount }) => amount,
    ({ balance }) => balance,
    ({ charge }) => charge.fields.currency,
    ({ date }) => date,
    () => "payment",
    ({ charge }) => charge.paymentId,
  ]),
  payments: laneOf<Charge>(themselves, [
    ...place,
    ({ paymentId }) => paymentId,
    () => "PaymentCharged",
    ({ fields }) => fields.payer,
    ({ fields }) => fields.payee,
    ({ fields }) => fields.payeeType,
    ({ fields }) => fields.amount,
    ({ fields }) => fields.amount,
    () => 0,
    () => 0,
    () => 0,
    ({ fields }) => fields.currency,
    () => "captured",
    () => "automatic",
    ({ stored }) => stored.at,
  ]),
  graph_edges: laneOf<Charge>(themselves, [
    ...place,
    ({ fields }) => fields.payer,
    ({ fields }) => fields.payee,
    ({ fields }) => fields.payeeType,
    ({ paymentId }) => paymentId,
    ({ fields }) => fields.amount,
    ({ fields }) => fields.currency,
  ]),
  accounts: { add: () => undefined },
} satisfies Readonly<Record<string, ChargeLane>>;
