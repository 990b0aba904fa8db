import { isLedgerError, LedgerError, type Runtime, type Shard } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import type { DecidedBatch } from "./decided-batch.ts";

const BACKOFF_MS = [20, 50, 100, 250, 500, 1000, 2000];

/**
 * Appends a batch and answers when it is known what became of it. While the outcome is unknown the very same bytes, ids
 * and revision are sent again; a refreshed revision would write the batch twice. A log that is then away for certain
 * says nothing of the attempt before, which may still be on its way: only the append itself, or another writer in its
 * place, ends the doubt.
 * @throws wrong_expected_revision, log_unavailable: nothing was written, and nothing will be
 */
export async function appendSurely(log: EventLog, shard: Shard, batch: DecidedBatch, runtime: Runtime): Promise<void> {
  let inDoubt = false;
  for (let attempt = 0; ; attempt++) {
    try {
      await log.append(shard, batch.after, batch.events);
      return;
    } catch (error) {
      inDoubt ||= isLedgerError(error, "outcome_unknown");
      if (!inDoubt || isLedgerError(error, "wrong_expected_revision") || !isLedgerError(error)) throw error;
      await runtime.delay(BACKOFF_MS[Math.min(attempt, BACKOFF_MS.length - 1)] ?? 0);
    }
  }
}

/**
 * What answers without an append must still be the shard's last word: a writer that was superseded knows nothing of
 * what the new one wrote, and no append tells it so. "No such account" of an account that was opened meanwhile would be
 * its answer.
 * @throws wrong_expected_revision: another writer wrote
 */
export async function assertUpToDate(log: EventLog, shard: Shard, batch: DecidedBatch): Promise<void> {
  const head = await log.head(shard);
  if (head === batch.after) return;
  throw new LedgerError("wrong_expected_revision", `shard ${shard} stands at ${head}, this writer at ${batch.after}`);
}
