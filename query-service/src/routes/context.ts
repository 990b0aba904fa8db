import type { GoldTables, Micros, PaymentGraph, SessionView } from "ledger-core";
import { Problem } from "ledger-core/http/problems";
import type { Cursors } from "../cursors.ts";
import type { QueryLimits } from "../limits.ts";
import type { Query, QueryOutcome, StoreName } from "../query.ts";
import type { ModelReader } from "../reading.ts";

/** Everything that routes need to answer. */
export type QueryContext = {
  /** The read models of accounts, entries, payments and the other movements. */
  readonly models: ModelReader;
  /** The tables of any SQL projection. */
  projection(name: StoreName): ModelReader;
  /** The app's first screen, answered from the models. */
  readonly session: Pick<SessionView, "read">;
  readonly graph: Pick<PaymentGraph, "recommend" | "paidAmong">;
  /** The tables of analytics jobs, if there are any. */
  readonly gold: GoldTables | undefined;
  readonly shards: number;
  readonly cursors: Cursors;
  readonly clock: () => Micros;
  readonly limits: QueryLimits;
};

/** A query of the API. */
export type QueryRoute = {
  readonly name: string;
  readonly url: string;
  readonly schema: object;
  /** `quick`: reads a few rows by key; `list`: walks an index. */
  readonly lane: LaneName;
  /** The stores that it reads. */
  readonly stores: readonly StoreName[];
  /** Whether it reads tables of analytics jobs as well. */
  readonly readsGold?: true;
  /** Whether it answers `Accept: text/csv`. */
  readonly writesCsv?: true;
  answer(query: Query, context: QueryContext): Promise<QueryOutcome>;
};

export const lanes = ["quick", "list"] as const;
export type LaneName = (typeof lanes)[number];

const absences = {
  account: new Problem("account_not_found", "There is no such account, or none that the caller may see."),
  payment: new Problem("payment_not_found", "There is no such payment, or none that the caller may see."),
  transfer: new Problem("transfer_not_found", "There is no such transfer, or none that the caller may see."),
  refund: new Problem("refund_not_found", "There is no such refund, or none that the caller may see."),
  topUp: new Problem("top_up_not_found", "There is no such top-up, or none that the caller may see."),
  payout: new Problem("payout_not_found", "There is no such payout, or none that the caller may see."),
};

/**
 * One answer for an object that is absent, hidden from the caller, or named by a malformed id: callers cannot tell
 * which.
 */
export function absent(object: keyof typeof absences): Problem {
  return absences[object];
}
