import type { Caller } from "ledger-core";
import type { DecisionState } from "../state/decision-state.ts";
import { isFault, type Job, type KeyCheck } from "./jobs.ts";
import type { JobQueue } from "./queue.ts";

/**
 * Reads from the disk what the next batch needs to know of its keys, all of it at once: of whole jobs, until they have so many keys.
 * Undefined when memory knows them all, as it mostly does.
 */
export function loadKeys(state: DecisionState, queue: JobQueue, keysMax: number): Promise<void> | undefined {
  const toRead: KeyCheck[] = [];
  let keys = 0;
  for (const job of queue.upcoming()) {
    keys += seekKeys(state, job, toRead);
    if (keys >= keysMax) break;
  }
  return toRead.length > 0 ? state.loadKeys(toRead) : undefined;
}

/** @returns how many keys the job has left */
function seekKeys(state: DecisionState, job: Job, toRead: KeyCheck[]): number {
  if (job.kind === "single") {
    if (job.item.check) seek(state, job.caller, job.item.check, toRead);
    return 1;
  }
  seek(state, job.caller, job.check, toRead);
  for (let index = job.next; index < job.items.length; index++) {
    const item = job.items[index];
    if (item && !isFault(item) && item.check) seek(state, job.caller, item.check, toRead);
  }
  return 1 + job.items.length - job.next;
}

function seek(state: DecisionState, { tenant, sub }: Caller, check: KeyCheck, toRead: KeyCheck[]): void {
  if (!check.found && state.seekKey(check, tenant, sub, check.key)) toRead.push(check);
}
