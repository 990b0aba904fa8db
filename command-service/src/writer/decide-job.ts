import type { Runtime } from "ledger-core";
import { EventFrames } from "ledger-core/event-log";
import { decideBulk } from "./decide-bulk.ts";
import { decideSingle } from "./decide-item.ts";
import { openBatch } from "./decided-batch.ts";
import type { Deciding } from "./deciding.ts";
import type { Job } from "./jobs.ts";

/** Decides a job. @returns whether it is answered; otherwise it continues in the next batch */
export function decideJob(on: Deciding & { readonly runtime: Runtime }, job: Job): boolean {
  if (job.failure) return true;
  if (job.kind === "bulk") {
    const told = job.dryRun ? tryOut(on, (trial) => decideBulk(trial, job)) : decideBulk(on, job);
    if (told !== "full") job.told = told;
  } else {
    const told = job.dryRun
      ? tryOut(on, (trial) => decideSingle(trial, job.caller, job.item))
      : decideSingle(on, job.caller, job.item);
    if (told !== "full") job.told = told;
  }
  return job.told !== undefined;
}

/**
 * Decides a dry run and rolls the state back. Its ids have a salt of their own, so they name nothing; its events go to
 * a batch of their own, so that the same size limits apply as to the command itself.
 */
function tryOut<Told>(on: Deciding & { readonly runtime: Runtime }, decide: (trial: Deciding) => Told): Told {
  const { batch, state, by, runtime } = on;
  const mark = state.mark();
  const told = decide({
    ...on,
    by: { ...by, salt: runtime.random(2 ** 30) },
    batch: openBatch(state, batch.now, batch.limits, new EventFrames(Buffer.alloc(TRIAL_BYTES))),
    context: undefined,
  });
  state.rollbackTo(mark);
  return told;
}

/** Enough for the events of most dry runs; the buffer grows if needed. */
const TRIAL_BYTES = 4096;
