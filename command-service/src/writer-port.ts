import type { BulkFault, Caller, ClientCommand, LedgerEvent, Position, Rejection, Revision } from "ledger-core";

/** A client's command for the writer: well-formed, and allowed to the client's role. */
export type Submission = {
  readonly caller: Caller;
  readonly key: string;
  readonly command: ClientCommand;
};

/**
 * The outcome of a command.
 * `recorded`: its answering event, an acceptance or a recorded refusal, is in the log; `replayed`: it was before.
 * `refused`: nothing was appended and no key was kept (absent objects, reused keys).
 */
export type Answer =
  | { readonly kind: "recorded"; readonly event: LedgerEvent; readonly replayed: boolean }
  | { readonly kind: "refused"; readonly rejection: Rejection };

/** A fault of an item found before the writer: it is malformed, or the role may not send it. */
export type ItemFault = BulkFault;
export type BulkItem =
  | { readonly kind: "command"; readonly key: string; readonly command: ClientCommand }
  | { readonly kind: "fault"; readonly fault: ItemFault };

export type BulkSubmission = {
  readonly caller: Caller;
  readonly key: string;
  readonly mode: "each" | "atomic";
  readonly items: readonly BulkItem[];
  /** The print of the whole bulk: the same key with another print is a reuse. */
  readonly print: string;
  /** The print as older versions stored it. */
  oldPrint?(): string;
};

/**
 * The result of an item. `made`: it created the object with this id; the common case, so it keeps no event. `declined`:
 * a recorded refusal. `fault`: nothing was recorded (code `bulk_aborted`: another item of an atomic bulk failed).
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
  /** The stored answer holds items that this role may not send. */
  | { readonly kind: "forbidden" };

/**
 * The one writer of a shard, as the routes see it.
 * Every method may throw LedgerError: `overloaded` (the queue is full) and `not_ready` (starting, stopping, stepping
 * down) before anything was accepted; `log_unavailable` when the append failed for certain; `outcome_unknown` is
 * settled inside, not thrown.
 */
export interface Writer {
  /**
   * Decides and appends; answers after the append is durable. A second request under the same key waits for the first
   * one's answer.
   */
  submit(submission: Submission): Promise<Answer>;
  submitBulk(bulk: BulkSubmission): Promise<BulkAnswer>;
  /** The answer that `submit` would give now, with ids that name nothing; appends nothing and keeps no key. */
  dryRun(submission: Submission): Promise<Answer>;
  dryRunBulk(bulk: BulkSubmission): Promise<BulkAnswer>;
  /** Whether it serves, and why not. */
  readiness(): { readonly ready: boolean; readonly detail: string };
  /** For metrics: the commands without an answer and their bytes, and the epoch; 0 while the shard is not served. */
  load(): { readonly queued: number; readonly queuedBytes: number; readonly epoch: number };
  /** Stops accepting, answers everything accepted, and flushes its state. A second call waits for the same end. */
  stop(): Promise<void>;
}
