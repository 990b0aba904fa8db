import type { PaymentCharged } from "../../domain/events.ts";
import type { Currency } from "../../domain/money.ts";
import type { BusinessDate } from "../../domain/time.ts";
import type { StoredEvent } from "../../ports/event-log.ts";
import { currentVersions } from "../versions.ts";
import { takeTenant } from "./charge-row.ts";
import {
  type IdMemo,
  isBodyOf,
  openCursor,
  skipText,
  take,
  takeCount,
  takeExact,
  takeIdNumber,
  takeSameText,
} from "./plain-bytes.ts";
import {
  AMOUNT,
  BALANCES,
  CREATED_AT,
  CURRENCY,
  DATES,
  END,
  NEXT,
  PAYEE,
  PAYEE_TYPE,
  PAYER,
  PAYMENT,
  payeeTypes,
  REFERENCE,
} from "./plain-charge.ts";

/**
 * A charge without fee and metadata, with something else in the place of its accounts' ids. Amounts are small enough to
 * be exact. The payment's id is the event's with another prefix.
 */
export type ChargeFields<Party> = {
  readonly tenant: string;
  readonly payer: Party;
  readonly payee: Party;
  readonly payeeType: PaymentCharged["payment"]["payeeType"];
  readonly amount: number;
  readonly currency: Currency;
  readonly payerBalance: number;
  readonly payeeBalance: number;
  readonly payerDate: BusinessDate;
  readonly payeeDate: BusinessDate;
};

const ACCOUNT_PREFIX = "acct_".length;

const last = { payeeType: { text: "" }, currency: { text: "" }, payerDate: { text: "" }, payeeDate: { text: "" } };

/**
 * The fast lane of the export: like `readChargeRow`, with the texts that the read models do not need. Undefined for any
 * other form; `decodeEvent` then reads it and reports its faults. charge-row.test.ts compares the two.
 * @param takeParty makes of an account's id what is to be in its place; never undefined
 */
export function readChargeFields<Party>(
  stored: StoredEvent,
  takeParty: IdMemo<Party>,
): ChargeFields<Party> | undefined {
  if (stored.type !== "PaymentCharged" || stored.version !== currentVersions.PaymentCharged) return undefined;
  const cursor = openCursor(stored.data);
  const tenant = takeTenant(cursor);
  if (tenant === undefined || !take(cursor, PAYMENT)) return undefined;
  const body = cursor.at;
  if (takeIdNumber(cursor) === undefined || !isBodyOf(stored.id, cursor.bytes, body)) return undefined;
  if (!take(cursor, PAYER)) return undefined;
  const payer = takeParty(cursor, ACCOUNT_PREFIX);
  if (payer === undefined || !take(cursor, PAYEE)) return undefined;
  const payee = takeParty(cursor, ACCOUNT_PREFIX);
  if (payee === undefined || !take(cursor, PAYEE_TYPE)) return undefined;
  const payeeType = payeeTypes.get(takeSameText(cursor, last.payeeType));
  if (payeeType === undefined || !take(cursor, AMOUNT)) return undefined;
  const amount = takeExact(cursor);
  if (amount === undefined || !take(cursor, CURRENCY)) return undefined;
  const currency = takeSameText(cursor, last.currency) as Currency;
  if (take(cursor, REFERENCE)) skipText(cursor);
  if (!take(cursor, CREATED_AT) || takeCount(cursor) !== stored.at) return undefined;
  if (!take(cursor, BALANCES)) return undefined;
  const payerBalance = takeExact(cursor);
  if (payerBalance === undefined || !take(cursor, NEXT)) return undefined;
  const payeeBalance = takeExact(cursor);
  if (payeeBalance === undefined || !take(cursor, DATES)) return undefined;
  const payerDate = takeSameText(cursor, last.payerDate) as BusinessDate;
  if (!take(cursor, NEXT)) return undefined;
  const payeeDate = takeSameText(cursor, last.payeeDate) as BusinessDate;
  if (!take(cursor, END) || cursor.at !== stored.data.length) return undefined;
  return { tenant, payer, payee, payeeType, amount, currency, payerBalance, payeeBalance, payerDate, payeeDate };
}
