import { LedgerError, type LedgerErrorCode, type Revision } from "ledger-core";
import type { Job } from "./jobs.ts";

/**
 * The error that a job's caller gets. For a bulk in mode each it must admit that the first items may be in the log
 * although a later append failed.
 * @param durable the last revision known to be in the log
 */
export function failureOf(job: Job, error: LedgerError, durable: Revision): LedgerError {
  const code = codes[error.code] ?? error.code;
  const retryable = error.retryable || code === "not_ready";
  const partlyApplied = job.kind === "bulk" && !job.dryRun && job.firstOwn <= durable;
  const written = partlyApplied
    ? "the first items of this bulk may be applied: repeat it under the same keys for the results of all"
    : "nothing was written: repeat the request under the same key";
  const message = `${reasons[error.code] ?? error.message}; ${written}`;
  return new LedgerError(code, message, { retryable, cause: error, partlyApplied });
}

/** Codes and messages for the ledger's internal errors; any other error keeps its own. */
const codes: { readonly [code in LedgerErrorCode]?: LedgerErrorCode } = {
  wrong_expected_revision: "not_ready",
  state_corrupt: "not_ready",
  state_unavailable: "not_ready",
  clock_unconfirmed: "not_ready",
};
const reasons: { readonly [code in LedgerErrorCode]?: string } = {
  wrong_expected_revision: "another writer took this shard",
  state_corrupt: "the shard is not served for now: its decision state cannot be read or written",
  state_unavailable: "the shard is not served for now: its decision state cannot be read or written",
  log_unavailable: "the event log cannot be reached or written",
};
