import {
  type Caller,
  type ClientCommand,
  type ExpirePayment,
  isOldPrint,
  type LedgerError,
  type LedgerEvent,
  oldPrint,
  type Rejection,
  type Revision,
} from "ledger-core";
import { fingerprint, IN_EVENT, isOfCommand } from "../fingerprint.ts";
import { type KeyPlace, unknownPlace } from "../state/keys/known-keys.ts";
import type { Answer, BulkAnswer, BulkItemAnswer, BulkSubmission, ItemFault } from "../writer-port.ts";

/** A key that is looked up, and what is known of its place: `cleared` are revisions of its hash that turned out to be another key's. */
export type KeyCheck = KeyPlace & {
  readonly key: string;
  /** Of the request; undefined until somebody asks for it: see `requestPrint`. */
  print: string | undefined;
  readonly request: ClientCommand | { readonly type: "Bulk"; oldPrint?(): string };
  cleared: readonly Revision[];
  /** Set once the log answered for this key. */
  found: { readonly event: LedgerEvent } | { readonly rejection: Rejection } | undefined;
};

/** One command of a job: a client's under its key, or the ledger's own, which has none. */
export type Item = {
  /** The payment was looked for in the log and is not there. */
  paymentAbsent: boolean;
} & (
  | { readonly command: ClientCommand; readonly check: KeyCheck }
  | { readonly command: ExpirePayment; readonly check: null }
);

type JobBase = {
  readonly caller: Caller;
  readonly dryRun: boolean;
  /** How much of the bounded queue it takes: one an item. */
  readonly weight: number;
  /** About what it takes in memory. Absent: the ledger's own, which are few. */
  readonly bytes?: number;
  fail(error: unknown): void;
};
export type SingleJob = JobBase & {
  readonly kind: "single";
  readonly item: Item;
  readonly answer: (answer: Answer) => void;
};
export type BulkJob = JobBase & {
  readonly kind: "bulk";
  readonly mode: "each" | "atomic";
  readonly check: KeyCheck;
  readonly items: readonly (Item | ItemFault)[];
  /** The items before `next` have their answer in `results`. */
  next: number;
  results: BulkItemAnswer[];
  /** Of a dry run, whose events no item can find in the log: the answers of its items by their keys. */
  readonly tried: Map<string, { readonly print: string; readonly answer: BulkItemAnswer }>;
  /** Whether `results` are those of an earlier answer, read from the log. */
  recalled: boolean;
  /** The first event that was decided for it, unless all of it is in one batch: from there on it may be in the log in part. */
  firstOwn: Revision;
  /** Why it goes no further; told when the batch with its first items is in the log, or is not. */
  failure: LedgerError | undefined;
  readonly answer: (answer: BulkAnswer) => void;
};
export type Job = SingleJob | BulkJob;

/**
 * What came of deciding an item or a job: `wait` needs the log read, `later` needs the batch under way to be in the log,
 * `full` needs another batch, and `unloaded` one before which the keys are read that are on disk.
 */
export type Step<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "wait"; readonly until: Promise<void> }
  | { readonly kind: "later" }
  | { readonly kind: "full" }
  | { readonly kind: "unloaded" };

export function done<T>(value: T): Step<T> {
  return { kind: "done", value };
}

export function keyCheck(key: string, print: string | undefined, request: KeyCheck["request"]): KeyCheck {
  return { key, print, request, cleared: [], found: undefined, ...unknownPlace() };
}

/** The print of the request that a key came with: made only where it is stored or compared. */
export function requestPrint(check: KeyCheck): string {
  const { request } = check;
  if (check.print === undefined && request.type !== "Bulk") check.print = fingerprint(request);
  return check.print ?? "";
}

/** Whether an event is of the request that a key came with, by its print and the function that made it, or by what it holds. */
export function isOfRequest(check: KeyCheck, event: LedgerEvent): boolean {
  const { request } = check;
  const stored = event.origin.print;
  if (stored === null) return false;
  if (stored === IN_EVENT) return request.type !== "Bulk" && isOfCommand(event, request);
  if (!isOldPrint(stored)) return stored === requestPrint(check);
  return stored === (request.type === "Bulk" ? request.oldPrint?.() : fingerprint(request, oldPrint));
}

export function clientItem(key: string, command: ClientCommand): Item {
  return { command, check: keyCheck(key, undefined, command), paymentAbsent: false };
}

/** A bulk's job before it is decided. */
export function bulkJob(
  bulk: BulkSubmission,
  items: readonly (Item | ItemFault)[],
  dryRun: boolean,
  bytes: number,
  settle: { answer(answer: BulkAnswer): void; fail(error: unknown): void },
): BulkJob {
  return {
    kind: "bulk",
    caller: bulk.caller,
    mode: bulk.mode,
    check: keyCheck(bulk.key, bulk.print, { type: "Bulk", ...(bulk.oldPrint ? { oldPrint: bulk.oldPrint } : {}) }),
    items,
    dryRun,
    weight: items.length,
    bytes,
    next: 0,
    results: [],
    tried: new Map(),
    recalled: false,
    firstOwn: Number.POSITIVE_INFINITY,
    failure: undefined,
    ...settle,
  };
}

/** Forgets what was decided of a bulk and is not to be appended. */
export function beginAgain(job: BulkJob): void {
  Object.assign(job, { next: 0, results: [], firstOwn: Number.POSITIVE_INFINITY });
  job.tried.clear();
}

export function isFault(item: Item | ItemFault): item is ItemFault {
  return "code" in item;
}
