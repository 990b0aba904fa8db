import { currencies } from "./currencies.ts";

/** Money in minor units of its currency (12.50 HKD is 1250n, 1250 JPY is 1250n). Never a number, never a float. */
export type Amount = bigint;

/** ISO 4217 alphabetic code that the ledger knows. */
export type Currency = string & { readonly __brand: "Currency" };

const amountGrammar = /^[1-9][0-9]{0,17}$/;
const signedGrammar = /^(?:0|-?[1-9][0-9]{0,17})$/;

/** The largest amount of one movement and the largest balance either side of zero, in minor units. */
export const AMOUNT_MAX: Amount = 999_999_999_999_999_999n;

/** Parses a positive amount of 1 to 18 digits without leading zeros; undefined if malformed. */
export function parseAmount(text: unknown): Amount | undefined {
  return typeof text === "string" && amountGrammar.test(text) ? BigInt(text) : undefined;
}

/** Parses a signed amount (balances, floors); undefined if malformed, as `-0` is. */
export function parseSignedAmount(text: unknown): Amount | undefined {
  return typeof text === "string" && signedGrammar.test(text) ? BigInt(text) : undefined;
}

/** The currency of an upper-case ISO 4217 code; undefined when the ledger does not know it. */
export function parseCurrency(text: unknown): Currency | undefined {
  return typeof text === "string" && currencies.has(text) ? (text as Currency) : undefined;
}

/** Decimals of the currency's minor unit: HKD 2, JPY 0, KWD 3. */
export function currencyExponent(currency: Currency): number {
  const exponent = currencies.get(currency);
  if (exponent === undefined) throw new RangeError(`unknown currency ${currency}`);
  return exponent;
}

/** Formats minor units for people: `1250n` HKD is `12.50`. */
export function formatAmount(amount: Amount, currency: Currency): string {
  const exponent = currencyExponent(currency);
  const digits = (amount < 0n ? -amount : amount).toString().padStart(exponent + 1, "0");
  const sign = amount < 0n ? "-" : "";
  if (exponent === 0) return sign + digits;
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}
