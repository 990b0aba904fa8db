import type { Runtime } from "ledger-core";
import { EventFrames } from "ledger-core/event-log";
import { decideBulk } from "./decide-bulk.ts";
import { type Deciding, decideItem } from "./decide-item.ts";
import { failureOf } from "./failures.ts";
import { beginAgain, done, type Job, type Step } from "./jobs.ts";
import type { JobQueue } from "./queue.ts";

/** Takes a job as far as it goes in this batch; when that is its end, the batch gets its answer. */
export function decideJob(on: Deciding & { readonly runtime: Runtime }, queue: JobQueue, job: Job): Step<null> {
  const { batch, state } = on;
  const step = nextStep(on, job);
  if (step.kind !== "done") return step;
  batch.answers.push(() => {
    queue.release(job);
    step.value();
  });
  batch.failures.push((error) => {
    queue.release(job);
    job.fail(failureOf(job, error, state.settledAt));
  });
  return done(null);
}

function nextStep(on: Deciding & { readonly runtime: Runtime }, job: Job): Step<() => void> {
  if (job.kind === "bulk" && job.failure) {
    const { failure } = job;
    // Told after the batches before this one: by then it is known whether the items in them are in the log.
    return done(() => job.fail(failureOf(job, failure, on.state.settledAt)));
  }
  return job.dryRun ? tryJob(on, job) : answeringStep(on, job);
}

/**
 * A dry run is decided in one go, however large, under ids that nothing has: what is taken back at its end is what its later items build
 * on. Its events lie in a batch of their own, so that the bounds of a batch hold for it as for the command itself.
 */
function tryJob(on: Deciding & { readonly runtime: Runtime }, job: Job): Step<() => void> {
  const { batch, state, by, runtime } = on;
  const mark = state.mark();
  const trying = {
    ...on,
    by: { ...by, salt: runtime.random(2 ** 30) },
    batch: { ...batch, events: new EventFrames(Buffer.alloc(TRIAL_BYTES)) },
    ownAfter: state.revision,
    context: undefined,
  };
  const step = answeringStep(trying, job);
  state.rollbackTo(mark);
  if (job.kind === "bulk" && step.kind !== "done") beginAgain(job);
  return step;
}

/** What the events of most dry runs take; more room is made as it is needed. */
const TRIAL_BYTES = 4096;

function answeringStep(on: Deciding, job: Job): Step<() => void> {
  return job.kind === "bulk"
    ? answering(job, decideBulk(on, job))
    : answering(job, decideItem(on, job.caller, job.item));
}

/** The step of a job with what it has to answer. */
function answering<T>(job: { answer(value: T): void }, step: Step<T>): Step<() => void> {
  return step.kind === "done" ? done(() => job.answer(step.value)) : step;
}
