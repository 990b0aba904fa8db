import type { StoredEvent } from "../../ports/event-log.ts";
import type { ChargeRow } from "../../ports/projection.ts";
import { currentVersions } from "../versions.ts";
import {
  type Cursor,
  isBodyOf,
  openCursor,
  saltAt,
  skipText,
  take,
  takeCount,
  takeDay,
  takeExact,
  takeIdNumber,
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

const last = { tenant: { text: "" }, payeeType: { text: "" } };

/**
 * The fast lane of the read models: a charge straight from its bytes, in a quarter of the time and a tenth of the
 * memory of `decodeEvent`. Undefined for any other form; `decodeEvent` then reads it and reports its faults.
 * charge-row.test.ts compares the two.
 */
export function readChargeRow(stored: StoredEvent): ChargeRow | undefined {
  if (stored.type !== "PaymentCharged" || stored.version !== currentVersions.PaymentCharged) return undefined;
  const cursor = openCursor(stored.data);
  const tenant = takeTenant(cursor);
  if (tenant === undefined || !take(cursor, PAYMENT)) return undefined;
  const body = cursor.at;
  if (takeIdNumber(cursor) === undefined || !isBodyOf(stored.id, cursor.bytes, body)) return undefined;
  if (!take(cursor, PAYER)) return undefined;
  const payer = takeIdNumber(cursor);
  if (payer === undefined || !take(cursor, PAYEE)) return undefined;
  const payee = takeIdNumber(cursor);
  if (payee === undefined || !take(cursor, PAYEE_TYPE)) return undefined;
  const payeeType = payeeTypes.get(takeSameText(cursor, last.payeeType));
  if (payeeType === undefined || !take(cursor, AMOUNT)) return undefined;
  const amount = takeExact(cursor);
  if (amount === undefined || !take(cursor, CURRENCY)) return undefined;
  skipText(cursor);
  const reference = take(cursor, REFERENCE) ? takeText(cursor) : null;
  if (!take(cursor, CREATED_AT) || takeCount(cursor) !== stored.at) return undefined;
  if (!take(cursor, BALANCES)) return undefined;
  const payerBalance = takeExact(cursor);
  if (payerBalance === undefined || !take(cursor, NEXT)) return undefined;
  const payeeBalance = takeExact(cursor);
  if (payeeBalance === undefined || !take(cursor, DATES)) return undefined;
  const payerDay = takeDay(cursor);
  if (payerDay === undefined || !take(cursor, NEXT)) return undefined;
  const payeeDay = takeDay(cursor);
  if (payeeDay === undefined || !take(cursor, END) || cursor.at !== stored.data.length) return undefined;
  return {
    kind: "charge",
    id: stored.id,
    salt: saltAt(cursor.bytes, body),
    shard: stored.shard,
    revision: stored.revision,
    at: stored.at,
    tenant,
    payer,
    payee,
    payeeType,
    amount,
    payerBalance,
    payeeBalance,
    payerDay,
    payeeDay,
    reference,
  };
}

export function takeTenant(cursor: Cursor): string | undefined {
  if (!take(cursor, TENANT)) return undefined;
  const tenant = takeSameText(cursor, last.tenant);
  if (!take(cursor, SUB)) return undefined;
  skipText(cursor);
  return take(cursor, KEY) && skipNullable(cursor) && take(cursor, PRINT) && skipNullable(cursor) ? tenant : undefined;
}

function skipNullable(cursor: Cursor): boolean {
  if (take(cursor, NULL)) return true;
  if (!take(cursor, QUOTE)) return false;
  skipText(cursor);
  return take(cursor, QUOTE);
}
