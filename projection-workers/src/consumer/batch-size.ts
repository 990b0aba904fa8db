/** How many events a projection applies in one transaction; each field states its default. */
export type BatchTuning = {
  /** The most events; bounds memory and what a crash repeats. 1 to 100,000. Default 10,000. */
  readonly batchMax?: number;
  /**
   * At the log's end, how long a transaction should take at most, in ms. 1 to 10,000. Default 50. Null: a transaction
   * holds all that arrived.
   */
  readonly liveMs?: number | null;
};

type BatchSize = {
  /** The most events that the next transaction should hold. */
  next(): number;
  /** Records how long a transaction with `events` events took. */
  took(events: number, ms: number): void;
  /** Everything up to the log's end has now been applied. */
  atEnd(): void;
};

/** The share of the time since it was last at the log's end that a transaction may take. */
const BEHIND_SHARE = 0.5;

/**
 * Large transactions before the log's end is reached; there, as many events as were recently applied within `liveMs`,
 * so that each is soon visible. The longer a projection has been behind, the larger its transactions, which cost less
 * per event.
 */
export function adaptBatches({ batchMax = 10_000, liveMs = 50 }: BatchTuning, elapsedMs: () => number): BatchSize {
  let size = 1;
  let endMs: number | undefined;
  const bounded = (events: number) => Math.max(1, Math.min(batchMax, Math.floor(events)));
  return {
    next() {
      if (endMs === undefined || liveMs === null) return batchMax;
      const allowedMs = Math.max(liveMs, BEHIND_SHARE * (elapsedMs() - endMs));
      return bounded((size * allowedMs) / liveMs);
    },
    took(events, ms) {
      if (liveMs === null) return;
      size = bounded(Math.min(2 * Math.max(size, events), (events * liveMs) / ms));
    },
    atEnd() {
      endMs = elapsedMs();
    },
  };
}
