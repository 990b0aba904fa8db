import type { AccountStatus, AccountType } from "../domain/account.ts";
import type { EntryType } from "../domain/entries.ts";
import { assert, LedgerError } from "../domain/errors.ts";
import type { Payment, PaymentStatus } from "../domain/payment.ts";
import { type BusinessDate, parseBusinessDate } from "../domain/time.ts";

/** The words of a column that holds small integers. */
export type Codes<Word extends string> = {
  /** In the order of their codes, from 0. */
  readonly words: readonly Word[];
  codeOf(word: Word): number;
  /** @throws row_unreadable */
  wordOf(code: unknown): Word;
};

function codes<Word extends string>(column: string, words: readonly Word[]): Codes<Word> {
  return {
    words,
    codeOf(word) {
      const code = words.indexOf(word);
      assert(code >= 0, `${word} is a word of ${column}`);
      return code;
    },
    wordOf(code) {
      const word = typeof code === "number" || typeof code === "bigint" ? words[Number(code)] : undefined;
      if (word === undefined)
        throw new LedgerError("row_unreadable", `read models: a row's ${column} has no such code`);
      return word;
    },
  };
}

/*
 * Stored rows hold the places in these lists: append only. A test compares them with the domain's lists.
 */

export const accountTypeCodes: Codes<AccountType> = codes("account type", [
  "wallet",
  "merchant",
  "bank",
  "revenue",
  "suspense",
  "clearing",
  "transit",
]);
export const accountStatusCodes: Codes<AccountStatus> = codes("account status", ["open", "frozen", "closed"]);
export const paymentStatusCodes: Codes<PaymentStatus> = codes("payment status", [
  "captured",
  "authorized",
  "partially_captured",
  "partially_refunded",
  "refunded",
  "voided",
  "expired",
]);
export const captureCodes: Codes<Payment["capture"]> = codes("capture", ["automatic", "manual"]);
export const entryTypeCodes: Codes<EntryType> = codes("entry type", [
  "payment",
  "refund",
  "transfer",
  "top-up",
  "payout",
]);

/** The kinds of movements beside payments. */
export type MovementKind = Exclude<EntryType, "payment">;
export const movementKindCodes: Codes<MovementKind> = codes("movement kind", [
  "refund",
  "transfer",
  "top-up",
  "payout",
]);

/** A business date as the integer yyyymmdd, which sorts as the dates do. */
export function dayOf(date: BusinessDate): number {
  return Number(date.slice(0, 4)) * 10_000 + Number(date.slice(5, 7)) * 100 + Number(date.slice(8, 10));
}

/** @throws row_unreadable */
export function dateOf(day: unknown): BusinessDate {
  const digits = typeof day === "number" && day > 0 ? String(day).padStart(8, "0") : "";
  const date = `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
  if (!isBusinessDate(date)) throw new LedgerError("row_unreadable", "read models: a row's day is no day");
  return date;
}

function isBusinessDate(text: string): text is BusinessDate {
  return parseBusinessDate(text) !== undefined;
}
