import type { BulkFault, Caller, ClientCommand, LedgerEvent, Position, Rejection, Revision } from "ledger-core";

/** A command of a client, checked in form and allowed to its role, on its way to the writer. */
export type Submission = {
  readonly caller: Caller;
  readonly key: string;
  readonly command: ClientCommand;
};

/**
 * The outcome of a command.
 * `recorded`: its answering event is in the log, an acceptance or a recorded refusal; `replayed` when it was there
 * before.
 * `refused`: nothing was appended and no key kept (absent objects, reused keys).
 */
export type Answer =
  | { readonly kind: "recorded"; readonly event: LedgerEvent; readonly replayed: boolean }
  | { readonly kind: "refused"; readonly rejection: Rejection };

/** A fault of a bulk's item that was found before the writer: its form, or its role. */
export type ItemFault = BulkFault;
export type BulkItem =
  | { readonly kind: "command"; readonly key: string; readonly command: ClientCommand }
  | { readonly kind: "fault"; readonly fault: ItemFault };

export type BulkSubmission = {
  readonly caller: Caller;
  readonly key: string;
  readonly mode: "each" | "atomic";
  readonly items: readonly BulkItem[];
  /** Of the whole bulk: the same key with another print is a reuse. */
  readonly print: string;
  /** The print as older versions stored it. */
  oldPrint?(): string;
};

/**
 * The result of an item. `made`: an object of this id; what bulks are mostly made of, so that no event is kept for it.
 * `declined`: a recorded refusal. `fault` recorded nothing (code `bulk_aborted`: another item of an atomic bulk
 * failed).
 */
export type BulkItemAnswer =
  | { readonly kind: "made"; readonly id: string; readonly revision: Revision }
  | { readonly kind: "declined"; readonly event: LedgerEvent }
  | { readonly kind: "fault"; readonly fault: ItemFault };

export type BulkAnswer =
  | {
      readonly kind: "recorded";
      readonly results: readonly BulkItemAnswer[];
      readonly replayed: boolean;
      /** The position of the bulk's record. */
      readonly position: Position;
    }
  | { readonly kind: "refused"; readonly rejection: Rejection }
  /** There is a stored answer, and some of it was another role's to ask for. */
  | { readonly kind: "forbidden" };

/**
 * The one writer of a shard, as the routes see it.
 * Every method may throw LedgerError: `overloaded` (the queue is full) and `not_ready` (starting, stopping, stepping
 * down) before anything was accepted; `log_unavailable` when the append failed for certain; `outcome_unknown` is
 * settled inside, not thrown.
 */
export interface Writer {
  /**
   * Decides and appends; answers after the append is durable. The same key at once: the second waits for the first's
   * answer.
   */
  submit(submission: Submission): Promise<Answer>;
  submitBulk(bulk: BulkSubmission): Promise<BulkAnswer>;
  /** The decision that `submit` would take now, under ids that nothing has; nothing is appended and no key kept. */
  dryRun(submission: Submission): Promise<Answer>;
  dryRunBulk(bulk: BulkSubmission): Promise<BulkAnswer>;
  /** Whether it serves, and if not, why. */
  readiness(): { readonly ready: boolean; readonly detail: string };
  /** Accepts no more, answers everything accepted, and writes its state down. Called again, it waits for the same. */
  stop(): Promise<void>;
}
