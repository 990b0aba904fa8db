import type { Runtime } from "ledger-core";
import { markBatch, rollbackBatch } from "./batch.ts";
import { decideBulk } from "./decide-bulk.ts";
import { type Deciding, decideItem } from "./decide-item.ts";
import { beginAgain, done, type Job, type Step } from "./jobs.ts";
import type { JobQueue } from "./queue.ts";

/** Takes a job as far as it goes in this batch; when that is its end, the batch gets its answer. */
export function decideJob(on: Deciding & { readonly runtime: Runtime }, queue: JobQueue, job: Job): Step<null> {
  const { batch } = on;
  if (job.kind === "bulk" && job.failure !== undefined) {
    queue.release(job);
    job.fail(job.failure);
    return done(null);
  }
  const step = job.dryRun ? tryJob(on, job) : answeringStep(on, job);
  if (step.kind !== "done") return step;
  batch.answers.push(() => {
    queue.release(job);
    step.value();
  });
  batch.failures.push((error) => {
    queue.release(job);
    job.fail(error);
  });
  return done(null);
}

/** A dry run is decided in one go, however large, under ids that nothing has: what is taken back at its end is what its later items build on. */
function tryJob(on: Deciding & { readonly runtime: Runtime }, job: Job): Step<() => void> {
  const { batch, state, by, runtime } = on;
  const mark = markBatch(batch, state);
  const trying = {
    ...on,
    by: { ...by, salt: runtime.random(2 ** 30) },
    batchBytesMax: Number.POSITIVE_INFINITY,
    ownAfter: state.revision,
    context: undefined,
  };
  const step = answeringStep(trying, job);
  rollbackBatch(batch, state, mark);
  if (job.kind === "bulk" && step.kind !== "done") beginAgain(job);
  return step;
}

function answeringStep(on: Deciding, job: Job): Step<() => void> {
  return job.kind === "bulk"
    ? answering(job, decideBulk(on, job))
    : answering(job, decideItem(on, job.caller, job.item));
}

/** The step of a job with what it has to answer. */
function answering<T>(job: { answer(value: T): void }, step: Step<T>): Step<() => void> {
  return step.kind === "done" ? done(() => job.answer(step.value)) : step;
}
