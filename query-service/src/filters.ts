import { type BusinessDate, type Micros, parseBusinessDate, parseInstant, parseSignedAmount } from "ledger-core";
import { Problem } from "ledger-core/http";

/** The parameters of a query string, already checked by the route's schema. */
export type Parameters = Readonly<Record<string, string | undefined>>;

// The schemas have refused malformed values: undefined means that the parameter is absent.

export function instant(text: string | undefined): Micros | undefined {
  return text === undefined ? undefined : parseInstant(text);
}

export function date(text: string | undefined): BusinessDate | undefined {
  return text === undefined ? undefined : parseBusinessDate(text);
}

/** An amount or 0, for bounds. */
export function amount(text: string | undefined): bigint | undefined {
  return text === undefined ? undefined : parseSignedAmount(text);
}

/** A query that cannot be answered because of some of its parameters. */
export function invalidQuery(faults: Readonly<Record<string, string>>): Problem {
  const errors = Object.entries(faults).map(([name, detail]) => ({ pointer: `/${name}`, detail }));
  return new Problem("invalid_query", "The query parameters do not fit.", { errors });
}
