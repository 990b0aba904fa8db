import type { BusinessDate, Micros } from "ledger-core";

const DAY_US = 86_400_000_000;
const DAY_MS = 86_400_000;

/** The day of booking in UTC, as days since 1970. */
export function bookedDate(at: Micros): number {
  return Math.floor(at / DAY_US);
}

/** A business date as days since 1970. */
export function dayOf(date: BusinessDate): number {
  return Date.UTC(Number(date.slice(0, 4)), Number(date.slice(5, 7)) - 1, Number(date.slice(8))) / DAY_MS;
}
