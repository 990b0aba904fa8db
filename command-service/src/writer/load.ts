import type { Caller, Payment, PaymentId } from "ledger-core";
import type { DecisionState } from "../state/decision-state.ts";
import type { KeyPlace } from "../state/keys/known-keys.ts";
import { isFault, isWhole, type Job } from "./jobs.ts";
import type { KeyCheck } from "./key-check.ts";
import { Loading, type LoadingOptions } from "./loading.ts";
import type { ReadLimits } from "./read-events.ts";

export type LoadLimits = ReadLimits & {
  /** Commands loaded at once, and so decided in one batch; atomic bulks and dry runs are never split. */
  readonly itemsMax: number;
  /** Approximate bytes of events that a load keeps; beyond it, it takes no further portion. */
  readonly bytesMax: number;
  /** Commands per portion; the bytes are counted after each. */
  readonly portionItems: number;
};

type LoadOptions = LoadingOptions & {
  /** Whether the shard stepped down meanwhile, so that the load must be dropped. */
  readonly superseded: () => boolean;
  readonly limits: LoadLimits;
};

/** The payments that the first jobs need. The answer to a used key is kept in its `KeyCheck`. */
export type Loaded = { readonly jobs: number; readonly payments: ReadonlyMap<PaymentId, Payment> };

/**
 * Loads everything that the first jobs of the queue need to be decided: the events that answer used keys, the results
 * of recorded bulks, and the payments that commands name. Usually all of it is in memory. An event that cannot be read
 * fails only the jobs that need it.
 * @returns undefined if the shard stepped down meanwhile
 * @throws state_corrupt, state_unavailable
 */
export async function load(on: LoadOptions, upcoming: Iterable<Job>): Promise<Loaded | undefined> {
  const jobs = takeJobs(upcoming, on.limits);
  const loading = new Loading(on);
  let loaded = 0;
  while (loaded < jobs.length && loading.bytes < on.limits.bytesMax) {
    const end = portionEnd(jobs, loaded, on.limits.portionItems);
    const places = placesOnDisk(on.state, jobs, loaded, end);
    if (places.length > 0) {
      await on.state.loadKeys(places);
      if (on.superseded()) return undefined;
      // Look again: a flush may have moved more keys to disk meanwhile.
      continue;
    }
    while (loaded < end && loading.seekFor(jobs[loaded])) loaded++;
    if (loading.wanted === 0) continue;
    await loading.read();
    if (on.superseded()) return undefined;
    loading.keepPayments();
  }
  return { jobs: loaded, payments: loading.payments };
}

/** Takes as many jobs, and items of a bulk in mode each, as the limits allow. */
function takeJobs(upcoming: Iterable<Job>, { itemsMax, bytesMax }: LoadLimits): Job[] {
  const jobs: Job[] = [];
  let items = 0;
  let bytes = 0;
  for (const job of upcoming) {
    jobs.push(job);
    if (job.kind === "single") {
      items++;
      bytes += job.loadedBytes;
    } else {
      const rest = job.items.length - job.next;
      const taken = isWhole(job) ? rest : Math.min(rest, Math.max(1, itemsMax - items));
      job.loadedTo = job.next + taken;
      items += 1 + taken;
    }
    if (items >= itemsMax || bytes >= bytesMax) break;
  }
  return jobs;
}

/** The end of the portion of jobs that begins at `from`. */
function portionEnd(jobs: readonly Job[], from: number, portionItems: number): number {
  let items = 0;
  let end = from;
  for (; end < jobs.length && items < portionItems; end++) {
    const job = jobs[end];
    items += job?.kind === "bulk" ? job.loadedTo - job.next : 1;
  }
  return end;
}

/** The keys that must be looked up on disk. */
function placesOnDisk(state: DecisionState, jobs: readonly Job[], from: number, end: number): KeyPlace[] {
  const places: KeyPlace[] = [];
  for (let nth = from; nth < end; nth++) {
    const job = jobs[nth];
    if (!job || job.failure) continue;
    const { caller } = job;
    if (job.kind === "single") {
      if (job.item.check) seek(state, caller, job.item.check, places);
      continue;
    }
    if (job.next === 0) seek(state, caller, job.check, places);
    for (let index = job.next; index < job.loadedTo; index++) {
      const item = job.items[index];
      if (item && !isFault(item)) seek(state, caller, item.check, places);
    }
  }
  return places;
}

function seek(state: DecisionState, { tenant, sub }: Caller, check: KeyCheck<unknown>, places: KeyPlace[]): void {
  if (check.known === undefined && state.seekKey(check, tenant, sub, check.key)) places.push(check);
}
