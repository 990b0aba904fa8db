import { LedgerError, type Runtime, type Shard } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import { systemRuntime } from "ledger-core/process";
import type { DecisionStateOptions } from "../state/decision-state.ts";
import type { StateLayout } from "../state/state-root.ts";
import type { Answer, BulkAnswer, BulkSubmission, Submission, Writer } from "../writer-port.ts";
import { ClockGuard, type ClockLimits } from "./clock-guard.ts";
import type { BatchLimits } from "./decided-batch.ts";
import { type ExpiryLimits, makeExpiry } from "./expiry.ts";
import { bulkJob, type Job, singleJob } from "./jobs.ts";
import type { LoadLimits } from "./load.ts";
import { JobQueue } from "./queue.ts";
import type { DiscardedState, ReplayProgress } from "./recovery.ts";
import { type FlushLimits, ShardOwnership, type ShardReadiness } from "./shard-ownership.ts";
import { WriterLoop } from "./writer-loop.ts";
import { type WriterSeams, writerSeams } from "./writer-seams.ts";

export type WriterOptions = ExpiryLimits &
  ClockLimits &
  FlushLimits &
  Omit<DecisionStateOptions, "file" | "random"> & {
    readonly log: EventLog;
    readonly shard: Shard;
    /** The decision state's file: created if missing, rebuilt from the log if unusable. */
    readonly stateFile: string;
    /** Clock, timers and randomness. Log time follows the clock, but never goes back. */
    readonly runtime?: Runtime;
    /** Accepted commands without an answer; beyond it commands are refused as `overloaded`. Default 20,000. */
    readonly queueMax?: number;
    /**
     * Share of the queue that bulks may fill, except one alone; the rest is for single commands. 0 to 1, default 0.75.
     */
    readonly bulkShare?: number;
    /**
     * Approximate memory of accepted commands without an answer; beyond it commands are refused as `overloaded`, unless
     * nothing waits. Default 64 MiB; at least 1 MiB for bulks of 1,000 items to find room beside others.
     */
    readonly queueBytesMax?: number;
    /**
     * The most that one append holds, headers of its events included; a command's events are never in two. Default
     * 921,600 bytes (an EventStoreDB server takes 1 MiB); at least 4,096.
     */
    readonly batchBytesMax?: number;
    /**
     * The most bytes of an event, and no more than `batchBytesMax`. Default 524,288 (Event Hubs accepts 1 MB per
     * message); at least 4,096. A bulk needs 30 bytes per item, so a lower value also lowers the number of items in a
     * bulk.
     */
    readonly eventBytesMax?: number;
    /** Items of an atomic bulk. Default and most 1,000. */
    readonly atomicItemsMax?: number;
    /** Bytes of a bulk's answer, beyond which the faults of its items are counted and not listed. Default 10 MiB. */
    readonly bulkAnswerBytesMax?: number;
    /**
     * Commands of dry runs per batch: they add no bytes to it, and two large dry runs must not be decided in one turn.
     * From 1; default 1,000.
     */
    readonly triedMax?: number;
    /**
     * With this many commands waiting, the next batch is decided while one is appended. Default 250; from 1.
     */
    readonly pipelineThreshold?: number;
    /**
     * The most commands loaded and decided in one batch. Default 2,048, as many plain payments as one append holds;
     * from 1.
     */
    readonly loadItemsMax?: number;
    /**
     * Approximate bytes of earlier events kept for one batch; beyond it, the batch takes no more. Default 16 MiB; from
     * 1.
     */
    readonly loadBytesMax?: number;
    /** Commands looked up at once; the bytes are counted after each portion. Default 256; from 1. */
    readonly loadPortionItems?: number;
    /** Concurrent reads of the log for one batch. Default 8; from 1. */
    readonly loadReadsMax?: number;
    /** Earlier events that are at most this many revisions apart share one read. Default 16; from 0. */
    readonly loadGapMax?: number;
    /** Revisions of one such read. Default 256; from 1. */
    readonly loadSpanMax?: number;
    /**
     * Entries in the tail at which it is written to disk, during a replay at once and between batches when serving.
     * Default 131,072; from 1.
     */
    readonly flushAt?: number;
    /** Whether to start while the log is away, not ready until it is back. Default: no, the start fails. */
    readonly waitForLog?: boolean;
    /** The page layout of a new state file; an existing one keeps its own. */
    readonly layout?: Partial<StateLayout>;
    /** How often to look for expired authorizations. Default 1,000 ms; 0: never. */
    readonly expiryEveryMs?: number;
    /** Parts that the simulator replaces. Default: the real ones. */
    readonly seams?: WriterSeams;
    readonly onReplay?: (progress: ReplayProgress) => void;
    /** Called when a state file is set aside and the state is rebuilt from the log. */
    readonly onDiscarded?: (discarded: DiscardedState) => void;
    /** Called when the state could not be written and will be retried. */
    readonly onUnwritten?: (why: string) => void;
    /** Called when the writer stops serving, and when it serves again. */
    readonly onReadiness?: (readiness: ShardReadiness, cause?: LedgerError) => void;
  };

/** The writer's bounds and thresholds, which an operator or a test may set. */
export type WriterTuning = Omit<
  WriterOptions,
  ("log" | "shard" | "stateFile" | "runtime" | "seams") | ("onReplay" | "onDiscarded" | "onUnwritten" | "onReadiness")
>;

/** Takes the shard and serves it. @throws the log's errors at the start */
export async function openWriter(options: WriterOptions): Promise<Writer> {
  const { log, shard, runtime = systemRuntime, seams = writerSeams, onReplay = () => {} } = options;
  let stopping = false;
  const clock = new ClockGuard(runtime, options);
  const recovery = { ...options, runtime, clock, seams, flushAt: options.flushAt ?? 131_072, onReplay };
  const { onDiscarded = () => {}, onUnwritten = () => {}, onReadiness: tell = () => {} } = options;
  const ownership = await ShardOwnership.take({
    ...recovery,
    onDiscarded,
    onUnwritten,
    tell,
    stopping: () => stopping,
  });
  const queue = new JobQueue({
    max: options.queueMax ?? 20_000,
    bytesMax: options.queueBytesMax ?? 64 * 2 ** 20,
    bulkShare: options.bulkShare ?? 0.75,
  });
  const { decide } = seams;
  const loop = new WriterLoop({
    ...{ log, shard, runtime, clock, queue, ownership, decide },
    loadLimits: loadLimits(options),
    limits: batchLimits(options),
    bulkLimits: {
      atomicItemsMax: options.atomicItemsMax ?? 1000,
      answerBytesMax: options.bulkAnswerBytesMax ?? 10 * 2 ** 20,
    },
    pipelineThreshold: options.pipelineThreshold ?? 250,
    triedMax: options.triedMax ?? 1000,
  });
  const { dueMax, releasesMax } = options;
  const expireDue = makeExpiry({
    ...{ ownership, queue, loop, runtime, clock, accepting: () => !stopping },
    ...(dueMax === undefined ? {} : { dueMax }),
    ...(releasesMax === undefined ? {} : { releasesMax }),
  });
  const expiryEveryMs = options.expiryEveryMs ?? 1000;
  const stopExpiry = expiryEveryMs > 0 ? runtime.every(expiryEveryMs, expireDue) : () => {};
  let stopped: Promise<void> | undefined;

  function accept(job: Job): void {
    if (stopping) throw new LedgerError("not_ready", "the writer is stopping", { retryable: true });
    const { ready, detail } = ownership.readiness;
    if (!ready) throw new LedgerError("not_ready", detail, { retryable: true });
    queue.add(job);
    loop.wake();
  }

  /** Answers everything accepted, and flushes the state. */
  async function end(): Promise<void> {
    stopping = true;
    stopExpiry();
    await loop.idle();
    await ownership.close();
  }

  return {
    submit: (submission) => submit(accept, submission, false),
    submitBulk: (bulk) => submitBulk(accept, bulk, false),
    dryRun: (submission) => submit(accept, submission, true),
    dryRunBulk: (bulk) => submitBulk(accept, bulk, true),
    readiness: () => (stopping ? { ready: false, detail: "stopping" } : ownership.readiness),
    load: () => ({ queued: queue.weight, queuedBytes: queue.bytes, epoch: ownership.epoch }),
    stop: () => (stopped ??= end()),
  };
}

function loadLimits(options: WriterOptions): LoadLimits {
  return {
    itemsMax: options.loadItemsMax ?? 2048,
    bytesMax: options.loadBytesMax ?? 16 * 2 ** 20,
    portionItems: options.loadPortionItems ?? 256,
    readsMax: options.loadReadsMax ?? 8,
    readGapMax: options.loadGapMax ?? 16,
    readSpanMax: options.loadSpanMax ?? 256,
  };
}

function batchLimits({ batchBytesMax = 921_600, eventBytesMax = 524_288 }: WriterOptions): BatchLimits {
  return { batchBytesMax, eventBytesMax: Math.min(eventBytesMax, batchBytesMax) };
}

type Accept = (job: Job) => void;

function submit(accept: Accept, submission: Submission, dryRun: boolean): Promise<Answer> {
  return new Promise((answer, fail) => accept(singleJob(submission, dryRun, { answer, fail })));
}

function submitBulk(accept: Accept, bulk: BulkSubmission, dryRun: boolean): Promise<BulkAnswer> {
  return new Promise((answer, fail) => accept(bulkJob(bulk, dryRun, { answer, fail })));
}
