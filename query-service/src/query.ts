import {
  type BusinessDate,
  type Caller,
  type Micros,
  type Position,
  parseBusinessDate,
  parseInstant,
  parseSignedAmount,
} from "ledger-core";
import { Problem } from "ledger-core/http/problems";

/** A projection's store, by the name of the projection. Each has positions of its own. */
export type StoreName = string;

/** A query, checked by its route's schema, as plain data: it may cross to the thread that answers it. */
export type Query = {
  readonly route: string;
  readonly caller: Caller;
  /** The request's path without its query string. */
  readonly path: string;
  /** The id in the path, in any form; empty if the route has none. */
  readonly id: string;
  readonly parameters: Parameters;
  /** The positions that Ledger-Position asks for. */
  readonly required: readonly Position[];
  /** Whether the answer is to be CSV instead of JSON. Default: false. */
  readonly csv?: boolean;
};

/** The store that a session was read from. */
export type ServedBy = "redis" | "models";

/** `servedBy`: of a session. `headers`: of an answer that is not JSON, its type among them. */
type QueryAnswer = {
  readonly kind: "answer";
  readonly positions: readonly Position[];
  readonly body: Uint8Array<ArrayBuffer>;
  readonly servedBy?: ServedBy;
  readonly headers?: Readonly<Record<string, string>>;
};

/**
 * `behind`: the store has not reached the required positions, which may come from a cursor as well as from the header.
 */
export type QueryOutcome =
  | QueryAnswer
  | { readonly kind: "behind"; readonly store: StoreName; readonly required: readonly Position[] };

/**
 * Answers a query from the stores in their current state, without waiting for a position.
 * @throws Problem, LedgerError store_unavailable, store_damaged, overloaded
 */
export type QueryRunner = (query: Query) => Promise<QueryOutcome>;

/** An answer's body as bytes: JSON of an object, or text as it is. */
export function answered(positions: readonly Position[], body: object | string): QueryAnswer {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { kind: "answer", positions, body: encoder.encode(text) };
}

const encoder = new TextEncoder();

export function behind(store: StoreName, required: readonly Position[]): QueryOutcome {
  return { kind: "behind", store, required };
}

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
