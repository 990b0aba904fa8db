import { declinedOf, reject } from "ledger-core";
import type { BulkAnswer, BulkItemAnswer } from "../writer-port.ts";
import { markBatch, rollbackBatch } from "./batch.ts";
import { decideOne, fault, prefetch, readKeys, recordBulk, refused, tooLarge } from "./bulk-steps.ts";
import { type Deciding, keyOfBulk } from "./decide-item.ts";
import { itemAnswer } from "./item-answer.ts";
import { type BulkJob, beginAgain, done, isFault, type Step } from "./jobs.ts";

/** All items of an atomic bulk and its record in one batch, or the record alone that says why not. */
export function decideAtomic(outer: Deciding, job: BulkJob): Step<BulkAnswer> {
  const on = { ...outer, ownAfter: outer.state.revision };
  const reading = readKeys(on, job, 0, job.items.length);
  if (reading) return reading;
  const known = knownResults(job);
  if (known.some((result) => result && fails(result))) return abort(on, job, known);

  const mark = markBatch(on.batch, on.state);
  /** Nothing of it is appended, nor in the state: it goes first in the next batch, unless this one was its own. */
  const withdraw = (): Step<BulkAnswer> => {
    rollbackBatch(on.batch, on.state, mark);
    beginAgain(job);
    return mark.events.length > 0 ? { kind: "full" } : done(tooLarge("less"));
  };
  for (const index of job.items.keys()) {
    prefetch(on, job.items, index);
    const step = decideOne(on, job, index);
    if (step.kind === "full") return withdraw();
    if (step.kind === "done" && !fails(step.value)) {
      job.results.push(step.value);
      continue;
    }
    rollbackBatch(on.batch, on.state, mark);
    beginAgain(job);
    if (step.kind !== "done") return step;
    return abort(on, job, known.with(index, asFault(step.value)));
  }
  const answer = recordBulk(on, job);
  return answer === "full" || answer === "too_large" ? withdraw() : done(answer);
}

/** Records that nothing was applied: an item has the result that is known of it, or is aborted for the others' sake. */
function abort(on: Deciding, job: BulkJob, known: readonly (BulkItemAnswer | undefined)[]): Step<BulkAnswer> {
  job.results = known.map((result) => result ?? aborted);
  const answer = recordBulk(on, job);
  if (answer === "full") return { kind: "full" };
  return done(answer === "too_large" ? tooLarge("fewer items") : answer);
}

/** What is known of items before any is decided: a fault of form, a key that is used twice or for something else, an earlier answer. */
function knownResults(job: BulkJob): (BulkItemAnswer | undefined)[] {
  const seen = new Set<string>();
  return job.items.map((item) => {
    if (isFault(item)) return fault(item);
    if (!item.check) return undefined;
    const { key, found } = item.check;
    if (key === job.check.key) return refused(keyOfBulk);
    if (seen.has(key)) return refused(keyTwice);
    seen.add(key);
    if (!found) return undefined;
    return "event" in found ? itemAnswer(found.event) : refused(found.rejection);
  });
}

function fails(result: BulkItemAnswer): boolean {
  return result.kind !== "made";
}

/** The refusal of an item, as the fault of one that is not applied: its event is taken back. */
function asFault(result: BulkItemAnswer): BulkItemAnswer {
  const refusal = result.kind === "declined" ? declinedOf(result.event.fact) : undefined;
  return refusal ? fault({ code: refusal.code, detail: refusal.detail, errors: [] }) : result;
}

const keyTwice = reject(
  "idempotency_key_reused",
  "Two items of this atomic bulk bear one idempotencyKey; give every item its own.",
);

const aborted = fault({
  code: "bulk_aborted",
  detail: "Another item of this atomic bulk failed, so nothing of it was applied.",
  errors: [],
});
