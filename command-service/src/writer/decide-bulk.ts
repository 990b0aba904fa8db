import type { LedgerEvent } from "ledger-core";
import type { BulkAnswer, BulkItemAnswer, ItemFault } from "../writer-port.ts";
import { fitsRecord } from "./bulk-outcomes.ts";
import { decideBulkItem, prefetchAccounts, recordBulk, recordLimits, tooLarge } from "./bulk-steps.ts";
import { decideAtomic } from "./decide-atomic.ts";
import { answerBefore, type Deciding, type Tell } from "./deciding.ts";
import { type BulkJob, isFault, isWhole } from "./jobs.ts";
import { type KeyMatch, keyOfBulk, keyReused } from "./key-check.ts";

/**
 * Decides a bulk, or repeats its earlier answer. Atomic bulks and dry runs are decided as a whole, any other as far as
 * it is loaded and the batch has room. `full`: continues in the next batch.
 */
export function decideBulk(on: Deciding, job: BulkJob): BulkAnswer | "full" {
  const answerOfRecord: Tell<BulkAnswer> = (match, event) =>
    answerBulkAgain(match, event, on.decided.results.get(event.revision));
  const before = job.next === 0 ? answerBefore(on, job.caller, job.check, answerOfRecord) : undefined;
  if (before) return isHidden(job, before) ? { kind: "forbidden" } : before;
  const { atomicItemsMax } = on.bulkLimits;
  const count = job.items.length;
  if (job.mode === "atomic" && count > atomicItemsMax) return tooLarge(`at most ${atomicItemsMax} items`);
  if (!fitsRecord(count, recordLimits(on, job))) return tooLarge("fewer items");
  return job.mode === "each" ? decideEach(on, job) : decideAtomic(on, job);
}

/**
 * The answer to a bulk whose key was used before.
 * @param results if the event records a bulk
 */
export function answerBulkAgain(
  match: KeyMatch,
  { shard, revision }: LedgerEvent,
  results: readonly BulkItemAnswer[] | undefined,
): BulkAnswer {
  if (match === "reused") return { kind: "refused", rejection: keyReused };
  if (!results) return { kind: "refused", rejection: keyOfBulk };
  return { kind: "recorded", results, replayed: true, position: { shard, revision } };
}

/** Whether the stored answer holds an item that the caller's role may not send. */
function isHidden({ items }: BulkJob, stored: BulkAnswer): boolean {
  if (stored.kind !== "recorded") return false;
  const hides = (fault: ItemFault, result: BulkItemAnswer | undefined) =>
    fault.code === "forbidden" && !(result?.kind === "fault" && result.fault.code === "forbidden");
  return items.some((item, index) => isFault(item) && hides(item, stored.results[index]));
}

function decideEach(on: Deciding, job: BulkJob): BulkAnswer | "full" {
  const { state, batch } = on;
  const to = isWhole(job) ? job.items.length : job.loadedTo;
  for (; job.next < to; job.next++) {
    if (batch.events.size >= batch.limits.batchBytesMax) return "full";
    prefetchAccounts(on, job.items, job.next);
    const { revision } = state;
    const answer = decideBulkItem(on, job, job.next);
    if (answer === "full") return "full";
    job.results.push(answer);
    if (job.dryRun) batch.events.truncate({ size: 0, length: 0 });
    else if (state.revision > revision && job.firstOwn > revision) job.firstOwn = revision + 1;
  }
  if (job.next < job.items.length) return "full";
  const answer = recordBulk(on, job);
  return answer === "too_large" ? tooLarge("fewer items") : answer;
}
