/** Bounds on what queries scan and wait for, per process. */
export type QueryLimits = {
  /**
   * Index rows that one page scans when no index matches its filter. A rare match then costs many cheap pages instead
   * of one that reads a whole history. 1 to 100,000. Default 2000.
   */
  readonly scanMax: number;
  /**
   * Accounts of an owner whose payments one page merges; with more accounts a page may be short. Each has up to three
   * walks, and SQLite joins 500 at most. 1 to 160. Default 64.
   */
  readonly mergedAccounts: number;
  /** Rows of a page when the request names no limit. 1 to 200. Default 50. */
  readonly pageRows: number;
  /** How long a request without Ledger-Wait waits for its positions, in ms. 0 to 10,000. Default 1000. */
  readonly waitMs: number;
  /** Requests of one caller that wait for a position at a time; one more is answered 429. 1 to 10,000. Default 256. */
  readonly waitersPerCaller: number;
  /**
   * Requests of all callers that wait at once; one more is answered 503. 1 to 1,000,000, and at least one more than
   * `waitersPerCaller`: one caller never takes every place. Default 16,384.
   */
  readonly waitersMax: number;
  /**
   * The first and the longest pause between polls of a store without wake-ups, in ms. 1 to 10,000. Default 5 and 50.
   */
  readonly pollMs: { readonly first: number; readonly most: number };
  /** The pause before retrying when the answering replica was behind the polled one, in ms. 1 to 10,000. Default 20. */
  readonly replicaPauseMs: number;
  /** How long recommendations wait for those of a trained model, in ms. 0 to 10,000. Default 500. */
  readonly trainedMs: number;
};

export const queryLimits: QueryLimits = {
  scanMax: 2000,
  mergedAccounts: 64,
  pageRows: 50,
  waitMs: 1000,
  waitersPerCaller: 256,
  waitersMax: 16_384,
  pollMs: { first: 5, most: 50 },
  replicaPauseMs: 20,
  trainedMs: 500,
};
