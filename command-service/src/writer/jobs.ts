import {
  type Caller,
  type ClientCommand,
  type ExpirePayment,
  type LedgerError,
  ledgerSub,
  type PaymentId,
  type Revision,
} from "ledger-core";
import type { Answer, BulkAnswer, BulkItemAnswer, BulkSubmission, ItemFault, Submission } from "../writer-port.ts";
import { type KeyCheck, keyCheck } from "./key-check.ts";

/** A client's command under its key. */
export type Item<Known> = { readonly command: ClientCommand; readonly check: KeyCheck<Known> };
/** The ledger's own command, which has no key. */
export type OwnItem = { readonly command: ExpirePayment; readonly check: null };

type JobBase<Told> = {
  readonly caller: Caller;
  readonly dryRun: boolean;
  /** Its share of the bounded queue: one per item. */
  readonly weight: number;
  /** Approximate memory while it waits. */
  readonly bytes: number;
  /** The decided answer, sent once its batch is durable. */
  told: Told | undefined;
  /** Set if something it needs cannot be read from the log; it is then not decided any further. */
  failure: LedgerError | undefined;
  readonly answer: (told: Told) => void;
  readonly fail: (error: unknown) => void;
};

type SingleJob = JobBase<Answer> & {
  readonly kind: "single";
  readonly item: Item<Answer> | OwnItem;
  /** Approximate memory of the event under its key, once loaded. */
  loadedBytes: number;
};

export type BulkJob = JobBase<BulkAnswer> & {
  readonly kind: "bulk";
  readonly mode: "each" | "atomic";
  readonly check: KeyCheck<BulkAnswer>;
  readonly items: readonly (Item<BulkItemAnswer> | ItemFault)[];
  /** The items before this one are answered in `results`. */
  next: number;
  /** The items before this one are loaded. */
  loadedTo: number;
  results: BulkItemAnswer[];
  /** Answers to the items of a dry run by key, since no event keeps them. */
  readonly tried: Map<string, { readonly print: string; readonly answer: BulkItemAnswer }>;
  /** Its first event, if it spans several batches: from there on, part of it may be in the log. */
  firstOwn: Revision;
};

export type Job = SingleJob | BulkJob;

/** How a job's caller gets its answer or its failure. */
type Callbacks<Told> = Pick<JobBase<Told>, "answer" | "fail">;

export function singleJob(
  { caller, key, command }: Submission,
  dryRun: boolean,
  { answer, fail }: Callbacks<Answer>,
): SingleJob {
  return {
    kind: "single",
    caller,
    item: { command, check: keyCheck<Answer>(key, undefined, command) },
    dryRun,
    weight: 1,
    bytes: commandBytes(command),
    told: undefined,
    failure: undefined,
    loadedBytes: 0,
    answer,
    fail,
  };
}

const ledger: Caller = { tenant: "", role: "service", sub: ledgerSub };

/** The ledger's own command to release an expired hold. It takes no room in the queue. */
export function expiryJob(payment: PaymentId, callbacks: Callbacks<Answer>): SingleJob {
  const item = { command: { type: "ExpirePayment", payment }, check: null } as const;
  const size = { weight: 0, bytes: 0, loadedBytes: 0 };
  return {
    kind: "single",
    caller: ledger,
    item,
    dryRun: false,
    ...size,
    told: undefined,
    failure: undefined,
    ...callbacks,
  };
}

export function bulkJob(bulk: BulkSubmission, dryRun: boolean, callbacks: Callbacks<BulkAnswer>): BulkJob {
  const { caller, mode, key, print } = bulk;
  let bytes = 0;
  const items = bulk.items.map((item) => {
    bytes += item.kind === "fault" ? faultBytes(item.fault) : commandBytes(item.command);
    if (item.kind === "fault") return item.fault;
    return { command: item.command, check: keyCheck<BulkItemAnswer>(item.key, undefined, item.command) };
  });
  const check = keyCheck<BulkAnswer>(key, print, {
    type: "Bulk",
    ...(bulk.oldPrint ? { oldPrint: bulk.oldPrint } : {}),
  });
  return {
    ...{ kind: "bulk", caller, mode, check, items, dryRun, weight: items.length, bytes },
    ...{ next: 0, loadedTo: 0, results: [], tried: new Map(), firstOwn: Number.POSITIVE_INFINITY },
    ...{ told: undefined, failure: undefined },
    ...callbacks,
  };
}

/** Sends a job its decided answer. */
export function answer(job: Job): void {
  if (job.kind === "bulk") {
    if (job.told) job.answer(job.told);
  } else if (job.told) job.answer(job.told);
}

/** Whether part of a bulk may be in the log while the rest is not decided yet. */
export function isBegun(job: Job): boolean {
  return job.kind === "bulk" && job.firstOwn !== Number.POSITIVE_INFINITY;
}

/** For a bulk sent again while the first one is half decided: part of both may be in the log. */
export function shareBeginning(begun: Job, job: Job): void {
  if (begun.kind !== "bulk" || job.kind !== "bulk" || job.check.key !== begun.check.key) return;
  if (job.caller.sub === begun.caller.sub && job.caller.tenant === begun.caller.tenant) job.firstOwn = begun.firstOwn;
}

/** Whether a bulk must be loaded and decided as a whole. */
export function isWhole(job: BulkJob): boolean {
  return job.mode === "atomic" || job.dryRun;
}

/** Forgets a bulk's decided items, none of which will be appended. */
export function beginAgain(job: BulkJob): void {
  Object.assign(job, { next: 0, results: [], firstOwn: Number.POSITIVE_INFINITY });
  job.tried.clear();
}

export function isFault(item: Item<BulkItemAnswer> | ItemFault): item is ItemFault {
  return "code" in item;
}

/** A command without legs and metadata, with its longest texts and its job. */
const COMMAND_BYTES = 1024;
const LEG_BYTES = 256;
const PAIR_BYTES = 128;
const FAULT_BYTES = 256;
const ERROR_BYTES = 192;

/** The approximate memory of a command until it is answered. */
function commandBytes(command: ClientCommand): number {
  let bytes = COMMAND_BYTES;
  if (command.type === "PostTransfer") bytes += command.legs.length * LEG_BYTES;
  if ("metadata" in command) {
    const { metadata } = command;
    for (const name in metadata) bytes += PAIR_BYTES + 2 * (name.length + (metadata[name]?.length ?? 0));
  }
  return bytes;
}

function faultBytes({ errors }: ItemFault): number {
  let bytes = FAULT_BYTES;
  for (const { pointer } of errors) bytes += ERROR_BYTES + 2 * pointer.length;
  return bytes;
}
