import { isLedgerError, LedgerError, type LedgerErrorCode } from "ledger-core";
import type { ProblemCode } from "ledger-core/http";
import { type FieldFault, Problem } from "ledger-core/http/problems";
import { type DamageCode, StoreDamage } from "../damage.ts";
import type { Query, QueryOutcome, StoreName } from "../query.ts";

/** Requests to a query thread. `reopen`: the files were replaced. */
export type QueryOrder =
  | { readonly kind: "query"; readonly call: number; readonly query: Query }
  | { readonly kind: "reopen" }
  | { readonly kind: "close" };

/** Reports of that thread: one per query, in the order they were sent. */
export type QueryReport =
  | { readonly kind: "ready" }
  | { readonly kind: "outcome"; readonly call: number; readonly outcome: QueryOutcome }
  | { readonly kind: "fault"; readonly call: number; readonly fault: QueryFault };

/** An error without its cause; `bug` is an unexpected one. */
type QueryFault =
  | {
      readonly kind: "problem";
      readonly code: ProblemCode;
      readonly detail: string;
      readonly errors: readonly FieldFault[];
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly kind: "damage"; readonly code: DamageCode; readonly store: StoreName; readonly message: string }
  | {
      readonly kind: "operating";
      readonly code: LedgerErrorCode;
      readonly message: string;
      readonly retryable: boolean;
    }
  | { readonly kind: "bug"; readonly text: string };

export function toQueryFault(error: unknown): QueryFault {
  if (error instanceof Problem) {
    const { code, detail, errors, headers } = error;
    return { kind: "problem", code, detail, errors, headers };
  }
  if (error instanceof StoreDamage && isDamage(error.code))
    return { kind: "damage", code: error.code, store: error.store, message: error.message };
  if (isLedgerError(error))
    return { kind: "operating", code: error.code, message: error.message, retryable: error.retryable };
  return { kind: "bug", text: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

export function fromQueryFault(fault: QueryFault): Error {
  switch (fault.kind) {
    case "problem":
      return new Problem(fault.code, fault.detail, { errors: fault.errors, headers: fault.headers });
    case "damage":
      return new StoreDamage(fault.store, fault.code, fault.message);
    case "operating":
      return new LedgerError(fault.code, fault.message, { retryable: fault.retryable });
    case "bug":
      return new Error(fault.text);
    default:
      return fault satisfies never;
  }
}

function isDamage(code: LedgerErrorCode): code is DamageCode {
  return code === "store_damaged" || code === "row_unreadable";
}
