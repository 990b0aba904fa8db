import { type AccountId, type Rejection, reject } from "ledger-core";
import type { BulkAnswer, BulkItemAnswer, ItemFault } from "../writer-port.ts";
import { addFacts, originOf } from "./batch.ts";
import { keepOutcomes } from "./bulk-outcomes.ts";
import { type Deciding, decideItem, keyOfBulk, unreadOf } from "./decide-item.ts";
import { itemAnswer } from "./item-answer.ts";
import { type BulkJob, done, isFault, type KeyCheck, requestPrint, type Step } from "./jobs.ts";
import { keyReused, type WantedKey } from "./lookup.ts";

export function tooLarge(what: string): BulkAnswer {
  const detail = `This bulk is more than the log takes at once, and nothing of it was decided; send ${what} in one.`;
  return { kind: "refused", rejection: reject("bulk_too_large", detail) };
}

/** Items whose accounts are fetched together: their memory fits the nearest caches until they are decided. */
const PREFETCHED = 32;

export function prefetch({ state }: Deciding, items: BulkJob["items"], from: number): void {
  if (from % PREFETCHED > 0) return;
  const ids: AccountId[] = [];
  for (let i = from; i < Math.min(items.length, from + PREFETCHED); i++) {
    const item = items[i];
    if (item && !isFault(item) && item.command.type === "MakePayment") ids.push(item.command.payer, item.command.payee);
  }
  state.prefetch(ids);
}

/**
 * The answers under keys that were used before, of all the items in one: what is taken back begins anew after each wait, or a bulk of
 * many such keys would be decided as many times. Undefined when there is nothing to read.
 */
export function readKeys(on: Deciding, job: BulkJob, from: number, to: number): Step<never> | undefined {
  const { wanted, ahead, unloaded } = unreadKeys(on, job, from, to);
  if (unloaded) return { kind: "unloaded" };
  if (ahead) return { kind: "later" };
  return wanted.length === 0 ? undefined : { kind: "wait", until: on.lookup.keys(job.caller, wanted) };
}

/** The keys of some items that were used before and are not looked up; whether some of those are not in the log yet, or not loaded. */
export function unreadKeys(on: Deciding, { caller, items }: BulkJob, from: number, to: number) {
  const wanted: WantedKey[] = [];
  let [ahead, unloaded] = [false, false];
  for (let index = from; index < Math.min(to, items.length); index++) {
    const item = items[index];
    if (!item || isFault(item) || !item.check || item.check.found) continue;
    const { check } = item;
    const revisions = unreadOf(on, caller, check);
    if (revisions === undefined) unloaded = true;
    else if (revisions.some((revision) => revision > on.state.settledAt)) ahead = true;
    else if (revisions.length > 0) wanted.push({ check, revisions });
  }
  return { wanted, ahead, unloaded };
}

/** Decides one item of a bulk, or finds what it was answered before. */
export function decideOne(on: Deciding, job: BulkJob, index: number): Step<BulkItemAnswer> {
  const item = job.items[index];
  if (!item) throw new Error(`a bulk without its item ${index}`);
  if (isFault(item)) return done(fault(item));
  if (item.check?.key === job.check.key) return done(refused(keyOfBulk));
  const tried = job.dryRun && item.check ? triedBefore(job, item.check) : undefined;
  if (tried) return done(tried);
  const step = decideItem(on, job.caller, item);
  if (step.kind !== "done") return step;
  if (step.value.kind === "refused") return done(refused(step.value.rejection));
  const answer = itemAnswer(step.value.event);
  if (job.dryRun && item.check) job.tried.set(item.check.key, { print: requestPrint(item.check), answer });
  return done(answer);
}

/** The answer under a key that an earlier item of a dry run bears, as the log would give it had that item been recorded. */
function triedBefore({ tried }: BulkJob, check: KeyCheck): BulkItemAnswer | undefined {
  const before = tried.get(check.key);
  if (!before) return undefined;
  return before.print === requestPrint(check) ? before.answer : refused(keyReused);
}

/** Records the bulk with its results under its key, whatever they are: its repeat must get the same answer. */
export function recordBulk(on: Deciding, job: BulkJob): BulkAnswer | "full" | "too_large" {
  const { state, batch, by } = on;
  const kept = keepOutcomes(job.results, recordLimits(on, job));
  job.results = kept.results;
  const fact = { type: "BulkRecorded", mode: job.mode, faults: kept.faults, outcomes: kept.outcomes } as const;
  const event = addFacts(batch, state, by, [fact], originOf(job.caller, job.check.key, requestPrint(job.check)));
  if (typeof event === "string") return event;
  const { shard, revision } = event;
  return { kind: "recorded", results: job.results, replayed: false, position: { shard, revision } };
}

export function recordLimits({ batch, bulkLimits }: Deciding, { caller, check }: BulkJob) {
  const origin = JSON.stringify(originOf(caller, check.key, requestPrint(check)));
  const { eventBytesMax, batchBytesMax } = batch.limits;
  return {
    recordBytesMax: Math.min(eventBytesMax, batchBytesMax) - Buffer.byteLength(origin),
    answerBytesMax: bulkLimits.answerBytesMax,
  };
}

export function refused({ code, detail, pointer }: Rejection): BulkItemAnswer {
  return fault({ code, detail, errors: pointer === undefined ? [] : [{ pointer, detail }] });
}

export function fault(of: ItemFault): BulkItemAnswer {
  return { kind: "fault", fault: of };
}
