import { declinedOf, reject } from "ledger-core";
import type { BulkAnswer, BulkItemAnswer } from "../writer-port.ts";
import { answerItemAgain, decideBulkItem, prefetchAccounts, recordBulk, tooLarge } from "./bulk-steps.ts";
import { markBatch, rollbackBatch } from "./decided-batch.ts";
import { answerBefore, type Deciding } from "./deciding.ts";
import { faultyItem, refusedItem } from "./item-answer.ts";
import { type BulkJob, beginAgain, isFault } from "./jobs.ts";
import { keyOfBulk } from "./key-check.ts";

/** Decides all items of an atomic bulk in one batch with its record, or only the record that says why it failed. */
export function decideAtomic(on: Deciding, job: BulkJob): BulkAnswer | "full" {
  const known = knownResults(on, job);
  if (known.some((result) => result && fails(result))) return abort(on, job, known);

  const mark = markBatch(on.batch, on.state);
  const rollback = () => {
    rollbackBatch(on.batch, on.state, mark);
    beginAgain(job);
  };
  /** Retries first in the next batch, unless the batch held nothing else. */
  const withdraw = () => {
    rollback();
    return mark.events.length > 0 ? "full" : tooLarge("less");
  };
  for (const index of job.items.keys()) {
    prefetchAccounts(on, job.items, index);
    const result = decideBulkItem(on, job, index);
    if (result === "full") return withdraw();
    if (fails(result)) {
      rollback();
      return abort(on, job, known.with(index, asFault(result)));
    }
    job.results.push(result);
  }
  const answer = recordBulk(on, job);
  return answer === "full" || answer === "too_large" ? withdraw() : answer;
}

/** Records that nothing was applied: each item gets its known result, or `bulk_aborted`. */
function abort(on: Deciding, job: BulkJob, known: readonly (BulkItemAnswer | undefined)[]): BulkAnswer | "full" {
  job.results = known.map((result) => result ?? aborted);
  const answer = recordBulk(on, job);
  return answer === "too_large" ? tooLarge("fewer items") : answer;
}

/** Results known before any item is decided: malformed items, reused keys, earlier answers. */
function knownResults(on: Deciding, job: BulkJob): (BulkItemAnswer | undefined)[] {
  const seen = new Set<string>();
  return job.items.map((item) => {
    if (isFault(item)) return faultyItem(item);
    const { key } = item.check;
    if (key === job.check.key) return refusedItem(keyOfBulk);
    if (seen.has(key)) return refusedItem(keyTwice);
    seen.add(key);
    return answerBefore(on, job.caller, item.check, answerItemAgain);
  });
}

function fails(result: BulkItemAnswer): boolean {
  return result.kind !== "made";
}

/** Turns a recorded refusal into a fault, because its event is rolled back. */
function asFault(result: BulkItemAnswer): BulkItemAnswer {
  const refusal = result.kind === "declined" ? declinedOf(result.event.fact) : undefined;
  return refusal ? faultyItem({ code: refusal.code, detail: refusal.detail, errors: [] }) : result;
}

const keyTwice = reject(
  "idempotency_key_reused",
  "Two items of this atomic bulk have one idempotencyKey; give every item its own.",
);

const aborted = faultyItem({
  code: "bulk_aborted",
  detail: "Another item of this atomic bulk failed, so nothing of it was applied.",
  errors: [],
});
