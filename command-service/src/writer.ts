import {
  fingerprint,
  isLedgerError,
  LedgerError,
  ledgerSub,
  type PaymentId,
  type Runtime,
  type Shard,
} from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import { systemRuntime } from "ledger-core/process";
import { appendSurely, assertUpToDate } from "./append.ts";
import { type Batch, markBatch, openBatch, rollbackBatch } from "./batch.ts";
import { decideBulk } from "./decide-bulk.ts";
import { type Deciding, decideItem } from "./decide-item.ts";
import { beginAgain, bulkJob, clientItem, done, type Job, type Step } from "./jobs.ts";
import { openLookup } from "./lookup.ts";
import { type WriterParts, writerParts } from "./parts.ts";
import { JobQueue } from "./queue.ts";
import { type Recovered, type ReplayProgress, recover } from "./recovery.ts";
import type { Answer, BulkAnswer, BulkSubmission, Submission, Writer } from "./submission.ts";

export type WriterOptions = {
  readonly log: EventLog;
  readonly shard: Shard;
  /** The decision state's file; made when absent, rebuilt from the log when it cannot be used. */
  readonly stateFile: string;
  /** Time, turns and chance. Log time follows its clock but never goes back. */
  readonly runtime?: Runtime;
  /** Commands accepted and not yet answered; beyond it they are refused as `overloaded`. Default 20,000. */
  readonly queueMax?: number;
  /** An append is closed at this size, whole commands only. Default 900,000 bytes (an EventStoreDB server takes 1 MiB). */
  readonly batchBytesMax?: number;
  readonly accountsCached?: number;
  readonly keyFilterBytes?: number;
  readonly flushAt?: number;
  /** How often authorizations that ran out are looked for. Default 1,000 ms; 0: never. */
  readonly expiryEveryMs?: number;
  /** What it is made of. Default: the real parts; the simulator puts in its own. */
  readonly parts?: WriterParts;
  readonly onReplay?: (progress: ReplayProgress) => void;
  /** Told when the writer stops serving and when it serves again. */
  readonly onStanding?: (standing: { readonly ready: boolean; readonly detail: string }) => void;
};

const FLUSH_SLICE_MS = 1;
/** An event writes down a key and, with many accounts, two rows: up to 10 µs. */
const FLUSH_MS_PER_EVENT = 0.01;
/** The tail that may gather while another is written, in multiples of `flushAt`. */
const TAILS_MAX = 2;

/** Takes the shard and serves it. @throws what the log throws when it cannot be read or appended to at the start */
export async function openWriter(options: WriterOptions): Promise<Writer> {
  const { log, shard } = options;
  const runtime = options.runtime ?? systemRuntime;
  const flushAt = options.flushAt ?? 65_536;
  const batchBytesMax = options.batchBytesMax ?? 900_000;
  const parts = options.parts ?? writerParts;
  const recovery = { ...options, runtime, parts, flushAt, onReplay: options.onReplay ?? (() => {}) };
  const queue = new JobQueue(options.queueMax ?? 20_000);
  const lookup = openLookup(log, shard, () => held.state);
  const expiring = new Set<PaymentId>();

  let held: Recovered = await recover(recovery);
  let standing = { ready: true, detail: `serving shard ${shard} from epoch ${held.state.epoch}` };
  let flushing: Generator<void> | undefined;
  let stopping = false;
  let turning = false;
  let scheduled = false;
  let onIdle: (() => void) | undefined;

  function schedule(): void {
    if (scheduled || turning) return;
    scheduled = true;
    // Not at once: what else has arrived on other sockets in this turn of the event loop joins the batch.
    runtime.defer(() => {
      scheduled = false;
      turning = true;
      return turn().finally(() => {
        turning = false;
        if (standing.ready && (queue.ready || flushing)) schedule();
        else if (queue.empty) onIdle?.();
      });
    });
  }

  /** One batch, from the queue to the answers, and a slice of the flush that is under way. */
  async function turn(): Promise<void> {
    const batch = fill();
    try {
      if (batch.events.length > 0) await appendSurely(log, shard, batch, runtime);
      else if (batch.answers.length > 0) await assertUpToDate(log, shard, batch);
    } catch (error) {
      await standDown(batch, error);
      return;
    }
    held.state.settle();
    for (const answer of batch.answers) answer();
    queue.resume();
    flushSlice(batch.events.length);
  }

  /** Decides what is queued until the batch is full. */
  function fill(): Batch {
    const batch = openBatch(held.state, runtime.now());
    const on: Deciding = { decide: parts.decide, state: held.state, by: held.by, lookup, batch, batchBytesMax };
    for (let job = queue.take(); job; job = queue.take()) {
      const step = decideJob(on, job);
      if (step.kind === "full") queue.putBack(job);
      if (step.kind === "later") queue.postpone(job);
      if (step.kind === "wait") queue.park(job, step.until, schedule);
      if (step.kind === "full" || batch.bytes >= batchBytesMax) break;
    }
    return batch;
  }

  function decideJob(on: Deciding, job: Job): Step<null> {
    const { batch } = on;
    if (job.kind === "bulk" && job.failure !== undefined) {
      queue.release(job);
      job.fail(job.failure);
      return done(null);
    }
    const mark = job.dryRun ? markBatch(batch, on.state) : undefined;
    // A dry run is decided in one go, however large: what is taken back at its end is what its later items build on.
    const deciding = mark
      ? { ...on, by: { shard, salt: runtime.random(2 ** 30) }, batchBytesMax: Number.POSITIVE_INFINITY }
      : on;
    const step =
      job.kind === "bulk"
        ? answering(job, decideBulk(deciding, job))
        : answering(job, decideItem(deciding, job.caller, job.item));
    if (mark) rollbackBatch(batch, on.state, mark);
    if (mark && job.kind === "bulk" && step.kind !== "done") beginAgain(job);
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

  /**
   * A slice of the flush for the events that a batch added: as long as they may cost to write down, so that a flush ends before the
   * next is due. Where that is not enough the flush is brought to its end at once: the tail is bounded, whatever the load.
   */
  function flushSlice(added: number): void {
    if (!flushing && held.state.tailSize >= flushAt) flushing = held.state.flush();
    if (!flushing) return;
    const until = runtime.elapsedMs() + Math.max(FLUSH_SLICE_MS, added * FLUSH_MS_PER_EVENT);
    const behind = held.state.tailSize >= TAILS_MAX * flushAt;
    while (behind || runtime.elapsedMs() < until) {
      if (!flushing.next().done) continue;
      flushing = undefined;
      return;
    }
  }

  /** An append that failed for certain: nothing of the batch happened. The shard is taken again, from its log. */
  async function standDown(batch: Batch, error: unknown): Promise<void> {
    if (!isLedgerError(error)) throw error;
    stand(false, `stepped down: ${error.message}`);
    const refusal =
      error.code === "wrong_expected_revision"
        ? new LedgerError("not_ready", "another writer took this shard; nothing was written", {
            retryable: true,
            cause: error,
          })
        : error;
    for (const fail of batch.failures) fail(refusal);
    for (const job of queue.drain()) {
      queue.release(job);
      job.fail(refusal);
    }
    abandonFlush();
    held.file.close();
    for (let waitMs = 100; !stopping; waitMs = Math.min(waitMs * 2, 5000)) {
      try {
        held = await recover(recovery);
        stand(true, `serving shard ${shard} from epoch ${held.state.epoch}`);
        return;
      } catch (again) {
        if (!isLedgerError(again)) throw again;
        stand(false, `cannot take shard ${shard}: ${again.message}`);
        await runtime.delay(waitMs);
      }
    }
  }

  function abandonFlush(): void {
    if (flushing) held.file.rollback();
    flushing = undefined;
  }

  function stand(ready: boolean, detail: string): void {
    standing = { ready, detail };
    options.onStanding?.(standing);
  }

  function accept(job: Job): void {
    if (stopping) throw new LedgerError("not_ready", "the writer is stopping", { retryable: true });
    if (!standing.ready) throw new LedgerError("not_ready", standing.detail, { retryable: true });
    queue.add(job);
    schedule();
  }

  function submit(submission: Submission, dryRun: boolean): Promise<Answer> {
    const { caller, key, command } = submission;
    return new Promise((resolve, reject) => {
      const item = clientItem(key, command, fingerprint(command));
      accept({ kind: "single", caller, item, dryRun, weight: 1, answer: resolve, fail: reject });
    });
  }

  function submitBulk(bulk: BulkSubmission, dryRun: boolean): Promise<BulkAnswer> {
    return new Promise((resolve, reject) => {
      const items = bulk.items.map((item) =>
        item.kind === "fault" ? item.fault : clientItem(item.key, item.command, item.print ?? fingerprint(item.command)),
      );
      accept(bulkJob(bulk, items, dryRun, { answer: resolve, fail: reject }));
    });
  }

  /** Releases the holds whose time has come: the ledger's own commands, through the same queue. */
  function expireDue(): void {
    if (stopping || !standing.ready) return;
    // By log time, as captures are refused: it stays ahead of a clock that was set back.
    for (const payment of held.state.duePayments(Math.max(runtime.now(), held.state.at), 500)) {
      if (expiring.has(payment)) continue;
      expiring.add(payment);
      const settled = () => void expiring.delete(payment);
      const caller = { tenant: "", role: "service", sub: ledgerSub } as const;
      const item = { command: { type: "ExpirePayment", payment } as const, check: null, paymentAbsent: false };
      queue.add({ kind: "single", caller, item, dryRun: false, weight: 0, answer: settled, fail: settled });
    }
    if (queue.ready) schedule();
  }

  /** Answers what was accepted, and writes the state down. */
  async function end(): Promise<void> {
    stopping = true;
    stopExpiry();
    if (turning || scheduled || !queue.empty) await new Promise<void>((resolve) => (onIdle = resolve));
    if (!standing.ready) return;
    while (flushing && !flushing.next().done);
    flushing = undefined;
    for (const _ of held.state.flush());
    held.file.close();
  }
  let stopped: Promise<void> | undefined;

  const expiryEveryMs = options.expiryEveryMs ?? 1000;
  const stopExpiry = expiryEveryMs > 0 ? runtime.every(expiryEveryMs, expireDue) : () => {};

  return {
    submit: (submission) => submit(submission, false),
    submitBulk: (bulk) => submitBulk(bulk, false),
    dryRun: (submission) => submit(submission, true),
    dryRunBulk: (bulk) => submitBulk(bulk, true),
    readiness: () => (stopping ? { ready: false, detail: "stopping" } : standing),
    stop: () => (stopped ??= end()),
  };
}

/** The step of a job with what it has to answer. */
function answering<T>(job: { answer(value: T): void }, step: Step<T>): Step<() => void> {
  return step.kind === "done" ? done(() => job.answer(step.value)) : step;
}
