/** Operating errors, one code each. */
export type LedgerErrorCode =
  /** The stream is not at the expected revision: another writer wrote. Definite; nothing was written. */
  | "wrong_expected_revision"
  /** The append may or may not have happened: send identical bytes, ids and revision again. */
  | "outcome_unknown"
  /**
   * Nothing was written, and nothing will be until an operator frees space or repairs the disk. The caller may retry.
   */
  | "log_unavailable"
  /** Stored bytes do not match their leaf hash, or a row cannot be read; `position` names the first bad revision. */
  | "log_corrupt"
  /** The decision state on disk is damaged: it is discarded and rebuilt from the log. */
  | "state_corrupt"
  /** The decision state cannot be read or written now: the disk is full or fails. */
  | "state_unavailable"
  /** The wall clock is too far ahead to be trusted without confirmation. */
  | "clock_unconfirmed"
  /** The store is held by another process. */
  | "locked"
  /** A data folder, state file or table was written by a newer or foreign version. */
  | "incompatible"
  /** The queue is full; nothing was accepted. */
  | "overloaded"
  /** The service is stopping, starting, or not the writer now; nothing was accepted. */
  | "not_ready"
  /** A projection did not reach the required position in time. */
  | "position_not_reached"
  /** Revoked tokens cannot be read or written now: no token is accepted once the list is too old. */
  | "revocations_unavailable"
  /** A read model, cache or graph cannot be reached. */
  | "store_unavailable"
  /** A derived file is unreadable or has impossible contents: it is set aside and rebuilt from the log. */
  | "store_damaged"
  /** A row of a derived store holds a value that no projection writes: the projection is rebuilt beside it. */
  | "row_unreadable"
  /** An event that its projection cannot apply: the shard's projection halts. */
  | "poison_event"
  /** The next event is not the next revision: the shard's projection halts. */
  | "revision_gap"
  /** The broker cannot be reached; the mirror waits and goes on. */
  | "broker_unavailable"
  /** The broker or its topic cannot take the mirror as it is; the message says what to change. */
  | "mirror_refused"
  /** The mirror no longer holds the revision asked for, by its retention: the log does. */
  | "behind_retention"
  /** Invalid settings; the message lists every fault. */
  | "config";

type LedgerErrorOptions = {
  readonly retryable?: boolean;
  readonly cause?: unknown;
  readonly position?: { readonly shard: number; readonly revision: number };
  readonly partlyApplied?: boolean;
};

/** An operating error: thrown by adapters; caught only in the writer, the consumer loop and the HTTP error handler. */
export class LedgerError extends Error {
  readonly code: LedgerErrorCode;
  readonly retryable: boolean;
  /** The place of the fault in the log, if it has one. */
  readonly position: { shard: number; revision: number } | undefined;
  /**
   * True for a bulk in mode each whose first items may be in the log. Otherwise, nothing of the command was or will be
   * written.
   */
  readonly partlyApplied: boolean;

  constructor(code: LedgerErrorCode, message: string, options: LedgerErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = "LedgerError";
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.position = options.position;
    this.partlyApplied = options.partlyApplied ?? false;
  }
}

/** Whether a caught value is an operating error of this code. */
export function isLedgerError(error: unknown, code?: LedgerErrorCode): error is LedgerError {
  return error instanceof LedgerError && (code === undefined || error.code === code);
}

/**
 * An event that contradicts the state it is applied to. In a decision it is a bug; in a replay the log or the state on
 * disk is at fault. `message` names the account and both amounts.
 */
export class ImpossibleEvent extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ImpossibleEvent";
  }
}

/** Errors with a driver's message, which may name a file, a host or a query. */
const privateMessages: Partial<Record<LedgerErrorCode, string>> = {
  log_unavailable: "the event log cannot be read or written; it is tried again",
  log_corrupt: "the event log is damaged",
  store_unavailable: "the store cannot be reached or written; it is tried again",
  revocations_unavailable: "the revoked tokens cannot be read or written; it is tried again",
  store_damaged: "the store's file is damaged",
  row_unreadable: "a row of the store is damaged",
  locked: "the store is held by another process",
  broker_unavailable: "the broker cannot be reached; it is tried again",
  mirror_refused: "the broker's topic cannot be used as it is",
  incompatible: "the store was written by another version",
};

/** Why something does not serve, for callers without a token; the server's log has the full message. */
export function publicReason({ code, message, position }: LedgerError): string {
  const text = privateMessages[code];
  if (text === undefined) return `${code}: ${message}`;
  return `${code}: ${text}${position ? ` at ${position.shard}:${position.revision}` : ""}`;
}

/** Throws a bug report if the condition is false. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/** The default of an exhaustive switch over a union. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
