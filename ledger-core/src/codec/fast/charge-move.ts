import type { IdParts } from "../../domain/ids.ts";
import type { StoredEvent } from "../../ports/event-log.ts";
import { currentVersions } from "../versions.ts";
import {
  type Cursor,
  openCursor,
  skipText,
  take,
  takeCount,
  takeExact,
  takeIdParts,
  takeSameText,
  takeText,
} from "./plain-bytes.ts";
import {
  AMOUNT,
  BALANCES,
  CREATED_AT,
  CURRENCY,
  DATES,
  END,
  KEY,
  NEXT,
  NULL,
  PAYEE,
  PAYEE_TYPE,
  PAYER,
  PAYMENT,
  PRINT,
  payeeTypes,
  QUOTE,
  REFERENCE,
  SUB,
  TENANT,
} from "./plain-charge.ts";

/**
 * The changes that a charge without fee and metadata makes in the decision state: two balances, and the key used.
 * Mutable, so that a replay reads many events into the same few. Amounts are exact numbers.
 */
export type ChargeMove = {
  tenant: string;
  sub: string;
  key: string | null;
  readonly payer: IdParts;
  readonly payee: IdParts;
  amount: number;
  payerBalance: number;
  payeeBalance: number;
  /** Whether it holds what `readChargeMove` read. */
  isRead: boolean;
};

const last = {
  ...{ tenant: { text: "" }, sub: { text: "" }, payeeType: { text: "" } },
  ...{ currency: { text: "" }, payerDate: { text: "" }, payeeDate: { text: "" } },
};

/** A move to read events into. */
export function emptyChargeMove(): ChargeMove {
  const parts = (): IdParts => ({ timeMs: 0, shard: 0, revision: 0, salt: 0 });
  const rest = { amount: 0, payerBalance: 0, payeeBalance: 0, isRead: false };
  return { tenant: "", sub: "", key: null, payer: parts(), payee: parts(), ...rest };
}

/**
 * The fast lane of a writer's replay: what a charge moves, straight from its bytes. False for any other form, and
 * `into` is then undefined; `decodeEvent` then reads the event and reports its faults. charge-move.test.ts compares
 * the two.
 */
export function readChargeMove(stored: StoredEvent, into: ChargeMove): boolean {
  if (stored.type !== "PaymentCharged" || stored.version !== currentVersions.PaymentCharged) return false;
  const cursor = openCursor(stored.data);
  if (!takeOrigin(cursor, into) || !take(cursor, PAYMENT) || !takeIdParts(cursor, scratch)) return false;
  if (!take(cursor, PAYER) || !takeIdParts(cursor, into.payer)) return false;
  if (!take(cursor, PAYEE) || !takeIdParts(cursor, into.payee)) return false;
  if (!take(cursor, PAYEE_TYPE) || !payeeTypes.has(takeSameText(cursor, last.payeeType))) return false;
  if (!take(cursor, AMOUNT)) return false;
  const amount = takeExact(cursor);
  if (amount === undefined || !take(cursor, CURRENCY)) return false;
  takeSameText(cursor, last.currency);
  if (take(cursor, REFERENCE)) skipText(cursor);
  if (!take(cursor, CREATED_AT) || takeCount(cursor) === undefined || !take(cursor, BALANCES)) return false;
  const payerBalance = takeExact(cursor);
  if (payerBalance === undefined || !take(cursor, NEXT)) return false;
  const payeeBalance = takeExact(cursor);
  if (payeeBalance === undefined || !take(cursor, DATES)) return false;
  takeSameText(cursor, last.payerDate);
  if (!take(cursor, NEXT)) return false;
  takeSameText(cursor, last.payeeDate);
  if (!take(cursor, END) || cursor.at !== stored.data.length) return false;
  into.amount = amount;
  into.payerBalance = payerBalance;
  into.payeeBalance = payeeBalance;
  return true;
}

/** The parts of the payment's id, which a replay does not need. */
const scratch: IdParts = emptyChargeMove().payer;

function takeOrigin(cursor: Cursor, into: ChargeMove): boolean {
  if (!take(cursor, TENANT)) return false;
  into.tenant = takeSameText(cursor, last.tenant);
  if (!take(cursor, SUB)) return false;
  into.sub = takeSameText(cursor, last.sub);
  if (!take(cursor, KEY)) return false;
  into.key = null;
  if (!take(cursor, NULL)) {
    if (!take(cursor, QUOTE)) return false;
    into.key = takeText(cursor);
    if (!take(cursor, QUOTE)) return false;
  }
  if (!take(cursor, PRINT)) return false;
  if (take(cursor, NULL)) return true;
  if (!take(cursor, QUOTE)) return false;
  skipText(cursor);
  return take(cursor, QUOTE);
}
