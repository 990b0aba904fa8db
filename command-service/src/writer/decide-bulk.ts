import type { Answer, BulkAnswer, BulkItemAnswer, ItemFault } from "../writer-port.ts";
import { fitsRecord } from "./bulk-outcomes.ts";
import { decideOne, prefetch, readKeys, recordBulk, recordLimits, tooLarge, unreadKeys } from "./bulk-steps.ts";
import { decideAtomic } from "./decide-atomic.ts";
import { checkKey, type Deciding, keyOfBulk } from "./decide-item.ts";
import { type BulkJob, done, isFault, type Step } from "./jobs.ts";

/** Takes a bulk as far as it goes in this batch: an atomic one wholly or not at all, the other item by item. */
export function decideBulk(on: Deciding, job: BulkJob): Step<BulkAnswer> {
  // Also when it goes on after a wait: meanwhile the same bulk, sent twice, may have come to its end.
  const known = checkKey(on, job.caller, job.check);
  if (known.kind !== "done") return known;
  if (known.value) return answered(on, job, known.value);
  const { atomicItemsMax } = on.bulkLimits;
  const count = job.items.length;
  if (job.mode === "atomic" && count > atomicItemsMax) return done(tooLarge(`at most ${atomicItemsMax} items`));
  if (!fitsRecord(count, recordLimits(on, job))) return done(tooLarge("fewer items"));
  return job.mode === "each" ? decideEach(on, job) : decideAtomic(on, job);
}

/** The answer of a bulk whose key was used before, by itself or by another command. */
function answered(on: Deciding, job: BulkJob, known: Answer): Step<BulkAnswer> {
  if (known.kind === "refused") return done({ kind: "refused", rejection: known.rejection });
  const { event } = known;
  if (event.fact.type !== "BulkRecorded") return done({ kind: "refused", rejection: keyOfBulk });
  if (!job.recalled) {
    const until = on.lookup.bulk(event.fact).then((results) => {
      job.results = results;
      job.recalled = true;
    });
    return { kind: "wait", until };
  }
  if (job.items.some((item, index) => isFault(item) && hides(item, job.results[index])))
    return done({ kind: "forbidden" });
  const position = { shard: event.shard, revision: event.revision };
  return done({ kind: "recorded", results: job.results, replayed: true, position });
}

/** Whether the caller's role keeps it from an item that another role was answered. */
function hides(item: ItemFault, stored: BulkItemAnswer | undefined): boolean {
  return item.code === "forbidden" && !(stored?.kind === "fault" && stored.fault.code === "forbidden");
}

function decideEach(outer: Deciding, job: BulkJob): Step<BulkAnswer> {
  if (job.dryRun) {
    const reading = readKeys(outer, job, 0, job.items.length);
    if (reading) return reading;
  }
  const { state, batch } = outer;
  const on = { ...outer, lookup: { ...outer.lookup, key: () => readAhead(outer, job) } };
  for (; job.next < job.items.length; job.next++) {
    if (batch.events.size >= batch.limits.batchBytesMax) return { kind: "full" };
    prefetch(on, job.items, job.next);
    const { revision } = state;
    const step = decideOne(on, job, job.next);
    if (step.kind !== "done") return step;
    job.results.push(step.value);
    if (job.dryRun) batch.events.truncate({ size: 0, length: 0 });
    else if (state.revision > revision && job.firstOwn > revision) job.firstOwn = revision + 1;
  }
  const answer = recordBulk(outer, job);
  return answer === "full" ? { kind: "full" } : done(answer === "too_large" ? tooLarge("fewer items") : answer);
}

/** The keys of the next items too, which were used before where the first was: one read for many of them. */
function readAhead(on: Deciding, job: BulkJob): Promise<void> {
  const { wanted } = unreadKeys(on, job, job.next, job.next + on.bulkLimits.lookAheadItems);
  return on.lookup.keys(job.caller, wanted);
}
