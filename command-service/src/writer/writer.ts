import { LedgerError, type Runtime, type Shard } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import { systemRuntime } from "ledger-core/process";
import type { DecisionStateOptions } from "../state/decision-state.ts";
import type { StateLayout } from "../state/state-root.ts";
import type { Answer, BulkAnswer, BulkSubmission, Submission, Writer } from "../writer-port.ts";
import type { BatchLimits } from "./batch.ts";
import { ClockGuard, type ClockLimits } from "./clock-guard.ts";
import { type ExpiryLimits, makeExpiry } from "./expiry.ts";
import { type FlushLimits, HeldShard, type Standing } from "./held-shard.ts";
import { commandBytes, faultBytes } from "./job-bytes.ts";
import { bulkJob, clientItem, type Job } from "./jobs.ts";
import { type WriterParts, writerParts } from "./parts.ts";
import { JobQueue } from "./queue.ts";
import type { DiscardedState, ReplayProgress } from "./recovery.ts";
import { Turns } from "./turns.ts";

export type WriterOptions = ExpiryLimits &
  ClockLimits &
  FlushLimits &
  Omit<DecisionStateOptions, "file" | "random"> & {
    readonly log: EventLog;
    readonly shard: Shard;
    /** The decision state's file; made when absent, rebuilt from the log when it cannot be used. */
    readonly stateFile: string;
    /** Time, turns and chance. Log time follows its clock, unless that is wild, but never goes back. */
    readonly runtime?: Runtime;
    /** Commands accepted and not yet answered; beyond it they are refused as `overloaded`. Default 20,000. */
    readonly queueMax?: number;
    /** Share of the queue that bulks may fill, except one alone; the rest is for single commands. 0 to 1, default 0.75. */
    readonly bulkShare?: number;
    /**
     * About what the commands accepted and not yet answered take in memory; beyond it they are refused as `overloaded`, unless nothing
     * waits. Default 64 MiB; at least 1 MiB where bulks of 1,000 items are to find a place beside others.
     */
    readonly queueBytesMax?: number;
    /**
     * The most that one append holds, headers of its events included; a command's events are never in two. Default 921,600 bytes (an
     * EventStoreDB server takes 1 MiB); at least 4,096.
     */
    readonly batchBytesMax?: number;
    /**
     * The most that one event takes, and no more than `batchBytesMax`. Default 524,288 bytes (Event Hubs take 1 MB a message); at least
     * 4,096. A bulk needs 30 bytes an item: with less than the default, bulks of fewer items are taken.
     */
    readonly eventBytesMax?: number;
    /** Items of an atomic bulk. Default and most 1,000. */
    readonly atomicItemsMax?: number;
    /** Bytes of a bulk's answer, beyond which the faults of its items are counted and not listed. Default 10 MiB. */
    readonly bulkAnswerBytesMax?: number;
    /** Items of a bulk whose keys are looked up in the log together when one of them was used before. Default 256, at least 1. */
    readonly lookAheadItems?: number;
    /**
     * Commands of dry runs after which a batch is closed, since they leave no bytes in it: two large dry runs are never decided in one
     * turn. From 1; default 1,000.
     */
    readonly triedMax?: number;
    /** Commands that wait while a batch is being appended, from which on they are decided at once and not gathered. Default 250. */
    readonly aheadMin?: number;
    /** Keys of waiting commands that are looked for on disk before a batch is decided. Default 4,096; from 1. */
    readonly keysAhead?: number;
    /** The tail that is written down at once while events are replayed, and between batches when serving. Default 131,072 entries; from 1. */
    readonly flushAt?: number;
    /** How the pages of a new state file are cut; one that is there keeps its own. */
    readonly layout?: Partial<StateLayout>;
    /** How often authorizations that ran out are looked for. Default 1,000 ms; 0: never. */
    readonly expiryEveryMs?: number;
    /** What it is made of. Default: the real parts; the simulator puts in its own. */
    readonly parts?: WriterParts;
    readonly onReplay?: (progress: ReplayProgress) => void;
    /** Told when a state file is not used and the state is rebuilt from the log. */
    readonly onDiscarded?: (discarded: DiscardedState) => void;
    /** Told when the state could not be written, and is tried again. */
    readonly onUnwritten?: (why: string) => void;
    /** Told when the writer stops serving and when it serves again. */
    readonly onStanding?: (standing: Standing, cause?: LedgerError) => void;
  };

/** The writer's bounds and thresholds: what an operator or a test may set without touching what it is made of. */
export type WriterTuning = Omit<
  WriterOptions,
  ("log" | "shard" | "stateFile" | "runtime" | "parts") | ("onReplay" | "onDiscarded" | "onUnwritten" | "onStanding")
>;

/** Takes the shard and serves it. @throws what the log throws when it cannot be read or appended to at the start */
export async function openWriter(options: WriterOptions): Promise<Writer> {
  const { log, shard, runtime = systemRuntime, parts = writerParts, onReplay = () => {} } = options;
  let stopping = false;
  const clock = new ClockGuard(runtime, options);
  const recovery = { ...options, runtime, clock, parts, flushAt: options.flushAt ?? 131_072, onReplay };
  const { onDiscarded = () => {}, onUnwritten = () => {}, onStanding: tell = () => {} } = options;
  const held = await HeldShard.take({ ...recovery, onDiscarded, onUnwritten, tell, stopping: () => stopping });
  const queue = new JobQueue({
    max: options.queueMax ?? 20_000,
    bytesMax: options.queueBytesMax ?? 64 * 2 ** 20,
    bulkShare: options.bulkShare ?? 0.75,
  });
  const { decide } = parts;
  const turns = new Turns({
    ...{ log, shard, runtime, clock, queue, held, decide },
    limits: batchLimits(options),
    bulkLimits: {
      atomicItemsMax: options.atomicItemsMax ?? 1000,
      answerBytesMax: options.bulkAnswerBytesMax ?? 10 * 2 ** 20,
      lookAheadItems: options.lookAheadItems ?? 256,
    },
    aheadMin: options.aheadMin ?? 250,
    triedMax: options.triedMax ?? 1000,
    keysAhead: options.keysAhead ?? 4096,
  });
  const { dueMax, releasesMax } = options;
  const expireDue = makeExpiry({
    ...{ held, queue, turns, runtime, clock, accepting: () => !stopping },
    ...(dueMax === undefined ? {} : { dueMax }),
    ...(releasesMax === undefined ? {} : { releasesMax }),
  });
  const expiryEveryMs = options.expiryEveryMs ?? 1000;
  const stopExpiry = expiryEveryMs > 0 ? runtime.every(expiryEveryMs, expireDue) : () => {};
  let stopped: Promise<void> | undefined;

  function accept(job: Job): void {
    if (stopping) throw new LedgerError("not_ready", "the writer is stopping", { retryable: true });
    const { ready, detail } = held.standing;
    if (!ready) throw new LedgerError("not_ready", detail, { retryable: true });
    queue.add(job);
    turns.schedule();
  }

  /** Answers what was accepted, and writes the state down. */
  async function end(): Promise<void> {
    stopping = true;
    stopExpiry();
    await turns.idle();
    await held.close();
  }

  return {
    submit: (submission) => submit(accept, submission, false),
    submitBulk: (bulk) => submitBulk(accept, bulk, false),
    dryRun: (submission) => submit(accept, submission, true),
    dryRunBulk: (bulk) => submitBulk(accept, bulk, true),
    readiness: () => (stopping ? { ready: false, detail: "stopping" } : held.standing),
    stop: () => (stopped ??= end()),
  };
}

function batchLimits({ batchBytesMax = 921_600, eventBytesMax = 524_288 }: WriterOptions): BatchLimits {
  return { batchBytesMax, eventBytesMax: Math.min(eventBytesMax, batchBytesMax) };
}

type Accept = (job: Job) => void;

function submit(accept: Accept, { caller, key, command }: Submission, dryRun: boolean): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const item = clientItem(key, command);
    const bytes = commandBytes(command);
    accept({ kind: "single", caller, item, dryRun, weight: 1, bytes, answer: resolve, fail: reject });
  });
}

function submitBulk(accept: Accept, bulk: BulkSubmission, dryRun: boolean): Promise<BulkAnswer> {
  return new Promise((resolve, reject) => {
    const items = bulk.items.map((item) => (item.kind === "fault" ? item.fault : clientItem(item.key, item.command)));
    let bytes = 0;
    for (const item of bulk.items) bytes += item.kind === "fault" ? faultBytes(item.fault) : commandBytes(item.command);
    accept(bulkJob(bulk, items, dryRun, bytes, { answer: resolve, fail: reject }));
  });
}
