import {
  type AccountId,
  type BulkOutcome,
  type BulkRecorded,
  declinedOf,
  type Rejection,
  type Revision,
  reject,
  rejections,
} from "ledger-core";
import { itemAnswer } from "./answers.ts";
import { addFacts, markBatch, originOf, rollbackBatch } from "./batch.ts";
import { checkKey, type Deciding, decideItem, keyOfBulk, unreadOf } from "./decide-item.ts";
import { type BulkJob, beginAgain, done, isFault, type KeyCheck, type Step } from "./jobs.ts";
import { keyReused } from "./lookup.ts";
import type { Answer, BulkAnswer, BulkItemAnswer, ItemFault } from "./submission.ts";

/** Takes a bulk as far as it goes in this batch: an atomic one wholly or not at all, the other item by item. */
export function decideBulk(on: Deciding, job: BulkJob): Step<BulkAnswer> {
  // Also when it goes on after a wait: meanwhile the same bulk, sent twice, may have come to its end.
  const known = checkKey(on, job.caller, job.check);
  if (known.kind !== "done") return known;
  if (known.value) return answered(on, job, known.value);
  const step = job.mode === "each" ? decideEach(on, job) : decideAtomic(on, job);
  return step ?? done(record(on, job));
}

/**
 * What is taken back begins anew after each wait: the answers under keys that were used before are read in one, or a bulk of many such
 * would be decided as many times.
 */
function readKeys(on: Deciding, { caller, items }: BulkJob): Step<never> | undefined {
  const toRead: { readonly check: KeyCheck; readonly revisions: readonly Revision[] }[] = [];
  for (const item of items) {
    if (isFault(item) || !item.check || item.check.found) continue;
    const { check } = item;
    const revisions = unreadOf(on, caller, check).filter((revision) => revision <= on.state.settledAt);
    if (revisions.length > 0) toRead.push({ check, revisions });
  }
  if (toRead.length === 0) return undefined;
  const { lookup } = on;
  async function read(): Promise<void> {
    for (const { check, revisions } of toRead) await lookup.key(caller, check, revisions);
  }
  return { kind: "wait", until: read() };
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
  const position = { shard: event.shard, revision: event.revision };
  return done({ kind: "recorded", results: job.results, replayed: true, position });
}

/** Items whose accounts are fetched together: their memory fits the nearest caches until they are decided. */
const PREFETCHED = 32;

function prefetch({ state }: Deciding, items: BulkJob["items"], from: number): void {
  const ids: AccountId[] = [];
  for (let i = from; i < Math.min(items.length, from + PREFETCHED); i++) {
    const item = items[i];
    if (item && !isFault(item) && item.command.type === "MakePayment") ids.push(item.command.payer, item.command.payee);
  }
  state.prefetch(ids);
}

/** Undefined when every item is decided. */
function decideEach(on: Deciding, job: BulkJob): Step<never> | undefined {
  const reading = job.dryRun ? readKeys(on, job) : undefined;
  if (reading) return reading;
  for (; job.next < job.items.length; job.next++) {
    if (on.batch.events.size >= on.batchBytesMax) return { kind: "full" };
    if (job.next % PREFETCHED === 0) prefetch(on, job.items, job.next);
    const step = decideOne(on, job, job.next);
    if (step.kind !== "done") return step;
    keep(job, step.value);
  }
  return undefined;
}

function decideAtomic(outer: Deciding, job: BulkJob): Step<never> | undefined {
  const faults = faultsOf(job);
  if (faults.some((found) => found)) {
    job.results = faults.map((found) => fault(found ?? aborted));
    return undefined;
  }
  const on = { ...outer, ownAfter: outer.state.revision };
  const reading = readKeys(on, job);
  if (reading) return reading;
  const mark = markBatch(on.batch, on.state);
  for (const index of job.items.keys()) {
    if (index % PREFETCHED === 0) prefetch(on, job.items, index);
    const step = decideOne(on, job, index);
    const refusal = step.kind === "done" ? refusalOf(step.value) : undefined;
    if (step.kind === "done" && !refusal) {
      keep(job, step.value);
      continue;
    }
    rollbackBatch(on.batch, on.state, mark);
    beginAgain(job);
    if (step.kind !== "done") return step;
    job.results = job.items.map((_, other) => (other === index && refusal ? refusal : fault(aborted)));
    return undefined;
  }
  return undefined;
}

/** What is wrong with the items of an atomic bulk before any is decided: their form, or a key that stands twice. */
function faultsOf(job: BulkJob): (ItemFault | undefined)[] {
  const seen = new Set<string>();
  return job.items.map((item) => {
    if (isFault(item)) return item;
    const key = item.check?.key ?? "";
    const repeated = seen.has(key);
    seen.add(key);
    return repeated ? { code: keyTwice.code, detail: keyTwice.detail, errors: [] } : undefined;
  });
}

function decideOne(on: Deciding, job: BulkJob, index: number): Step<BulkItemAnswer> {
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
  if (job.dryRun && item.check) job.tried.set(item.check.key, { print: item.check.print, answer });
  return done(answer);
}

/** The answer under a key that an earlier item of a dry run bears, as the log would give it had that item been recorded. */
function triedBefore({ tried }: BulkJob, check: KeyCheck): BulkItemAnswer | undefined {
  const before = tried.get(check.key);
  if (!before) return undefined;
  return before.print === check.print ? before.answer : refused(keyReused);
}

function keep(job: BulkJob, answer: BulkItemAnswer): void {
  job.results.push(answer);
  if (answer.kind !== "fault") job.newest = Math.max(job.newest, revisionOf(answer));
}

/** Records the bulk under its key if an item of it was recorded, now or before, or refused as a business: its repeat must get the same answer. */
function record(on: Deciding, job: BulkJob): BulkAnswer {
  const { state, batch, by } = on;
  const abortedByBusiness = job.results.some((r) => r.kind === "fault" && isRecordable(r.fault.code));
  let revision = job.newest < 0 ? batch.after : job.newest;
  if (job.newest >= 0 || abortedByBusiness) {
    const fact: BulkRecorded = { type: "BulkRecorded", mode: job.mode, outcomes: outcomesOf(job.results) };
    const origin = originOf(job.caller, job.check.key, job.check.print);
    revision = addFacts(batch, state, by, [fact], origin).revision;
  }
  return { kind: "recorded", results: job.results, replayed: false, position: { shard: by.shard, revision } };
}

function isRecordable(code: string): boolean {
  return Object.entries(rejections).some(([known, { recorded }]) => known === code && recorded);
}

function revisionOf(answer: Exclude<BulkItemAnswer, { kind: "fault" }>): Revision {
  return answer.kind === "made" ? answer.revision : answer.event.revision;
}

/** Runs of consecutive answering events, and of equal faults. */
function outcomesOf(results: readonly BulkItemAnswer[]): BulkOutcome[] {
  const outcomes: BulkOutcome[] = [];
  for (const result of results) {
    const last = outcomes.at(-1);
    if (result.kind !== "fault") {
      const revision = revisionOf(result);
      if (last && "first" in last && last.first + last.count === revision) {
        outcomes[outcomes.length - 1] = { first: last.first, count: last.count + 1 };
      } else outcomes.push({ first: revision, count: 1 });
    } else if (last && "code" in last && sameFault(last, result.fault)) {
      outcomes[outcomes.length - 1] = { ...last, count: last.count + 1 };
    } else outcomes.push({ ...result.fault, count: 1 });
  }
  return outcomes;
}

function sameFault(a: ItemFault, b: ItemFault): boolean {
  return a.code === b.code && a.detail === b.detail && a.errors.length === 0 && b.errors.length === 0;
}

/** The refusal in an answer, as the fault of an item that is not applied. */
function refusalOf(answer: BulkItemAnswer): BulkItemAnswer | undefined {
  if (answer.kind !== "declined") return answer.kind === "fault" ? answer : undefined;
  const refusal = declinedOf(answer.event.fact);
  return refusal && fault({ code: refusal.code, detail: refusal.detail, errors: [] });
}

function refused(rejection: Rejection): BulkItemAnswer {
  const { code, detail, pointer } = rejection;
  return fault({ code, detail, errors: pointer === undefined ? [] : [{ pointer, detail }] });
}

function fault(of: ItemFault): BulkItemAnswer {
  return { kind: "fault", fault: of };
}

const keyTwice = reject(
  "idempotency_key_reused",
  "Two items of this atomic bulk bear one idempotencyKey; give every item its own.",
);

const aborted: ItemFault = {
  code: "bulk_aborted",
  detail: "Another item of this atomic bulk failed, so nothing of it was applied.",
  errors: [],
};
