import { type AccountId, reject } from "ledger-core";
import type { Answer, BulkAnswer, BulkItemAnswer } from "../writer-port.ts";
import { keepOutcomes } from "./bulk-outcomes.ts";
import { decideCommand } from "./decide-item.ts";
import { addFacts, originOf } from "./decided-batch.ts";
import { answerBefore, type Deciding, type Tell } from "./deciding.ts";
import { faultyItem, itemAnswer, refusedItem } from "./item-answer.ts";
import { type BulkJob, isFault } from "./jobs.ts";
import { type KeyCheck, keyOfBulk, keyReused, requestPrint } from "./key-check.ts";

/** Items whose accounts are prefetched together; few enough that they stay in the CPU's caches until decided. */
const PREFETCHED = 32;

export function prefetchAccounts({ state }: Deciding, items: BulkJob["items"], from: number): void {
  if (from % PREFETCHED > 0) return;
  const ids: AccountId[] = [];
  for (let i = from; i < Math.min(items.length, from + PREFETCHED); i++) {
    const item = items[i];
    if (item && !isFault(item) && item.command.type === "MakePayment") ids.push(item.command.payer, item.command.payee);
  }
  state.prefetch(ids);
}

/** Decides one item of a bulk, or repeats what it was answered before. */
export function decideBulkItem(on: Deciding, job: BulkJob, index: number): BulkItemAnswer | "full" {
  const item = job.items[index];
  if (!item) throw new Error(`a bulk without its item ${index}`);
  if (isFault(item)) return faultyItem(item);
  const { check } = item;
  if (check.key === job.check.key) return refusedItem(keyOfBulk);
  const before = (job.dryRun && triedBefore(job, check)) || answerBefore(on, job.caller, check, answerItemAgain);
  if (before) return before;
  const decided = decideCommand(on, job.caller, item);
  if (decided === "full") return decided;
  const answer = toItemAnswer(decided);
  if (job.dryRun && decided.kind === "recorded") job.tried.set(check.key, { print: requestPrint(check), answer });
  return answer;
}

export const answerItemAgain: Tell<BulkItemAnswer> = (match, event) =>
  match === "same" ? itemAnswer(event) : refusedItem(keyReused);

function toItemAnswer(answer: Answer): BulkItemAnswer {
  return answer.kind === "refused" ? refusedItem(answer.rejection) : itemAnswer(answer.event);
}

/** The answer if an earlier item of a dry run used the same key, as if that item had been recorded. */
function triedBefore({ tried }: BulkJob, check: KeyCheck<BulkItemAnswer>): BulkItemAnswer | undefined {
  const before = tried.get(check.key);
  if (!before) return undefined;
  return before.print === requestPrint(check) ? before.answer : refusedItem(keyReused);
}

/** Records the bulk and its results under its key, so that a repeat gets the same answer. */
export function recordBulk(on: Deciding, job: BulkJob): BulkAnswer | "full" | "too_large" {
  const { state, batch, by } = on;
  const kept = keepOutcomes(job.results, recordLimits(on, job));
  job.results = kept.results;
  const fact = { type: "BulkRecorded", mode: job.mode, faults: kept.faults, outcomes: kept.outcomes } as const;
  const event = addFacts(batch, state, by, [fact], originOf(job.caller, job.check.key, requestPrint(job.check)));
  if (typeof event === "string") return event;
  const { shard, revision } = event;
  batch.results.set(revision, kept.results);
  return { kind: "recorded", results: kept.results, replayed: false, position: { shard, revision } };
}

export function recordLimits({ batch, bulkLimits }: Deciding, { caller, check }: BulkJob) {
  const origin = JSON.stringify(originOf(caller, check.key, requestPrint(check)));
  const { eventBytesMax, batchBytesMax } = batch.limits;
  return {
    recordBytesMax: Math.min(eventBytesMax, batchBytesMax) - Buffer.byteLength(origin),
    answerBytesMax: bulkLimits.answerBytesMax,
  };
}

export function tooLarge(what: string): BulkAnswer {
  const detail = `This bulk is more than the log takes at once, and nothing of it was decided; send ${what} in one.`;
  return { kind: "refused", rejection: reject("bulk_too_large", detail) };
}
