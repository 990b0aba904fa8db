/** How many events a projection applies in one transaction; each field states its default. */
export type BatchTuning = {
  /**
   * The most events; bounds memory and what a crash repeats. A target on a server has one batch under way, one that is
   * prepared and one that is read. 1 to 100,000. Default 10,000.
   */
  readonly batchMax?: number;
  /**
   * The most bytes of encoded events, exceeded by the last delivery only: an event with many postings takes a hundred
   * times the memory of a payment. 1 to 2^30. Default 16 MiB.
   */
  readonly batchBytesMax?: number;
  /** At the log's end, how long a transaction should take at most, in ms. 1 to 10,000. Default 50. */
  readonly liveMs?: number;
};

type BatchSize = {
  /** The most events that the next transaction should hold. */
  next(): number;
  /** Records how long a transaction with `events` events took. */
  took(events: number, ms: number): void;
  /** The log's end was reached for the first time. */
  atEnd(): void;
  /** Nothing was left to apply until now. */
  waited(): void;
};

/** The share of the time since it was last at the log's end that a transaction may take. */
const BEHIND_SHARE = 0.5;
/** By how much the shortest time may grow from one transaction to the next, once the store has become slower. */
const SHORTEST_GROWTH = 1.25;

/**
 * Large transactions before the log's end is reached; there, as many events as were recently applied within `liveMs`,
 * so that each is soon visible. The longer a projection has been behind, the larger its transactions, which cost less
 * per event.
 *
 * A transaction also costs something whatever it holds: on a server some fifteen round trips and a commit. So one that
 * was not full shows no cost of events, and one may always take twice as long as the shortest recent one; otherwise a
 * slow server would get ever smaller transactions, each as slow.
 */
export function adaptBatches({ batchMax = 10_000, liveMs = 50 }: BatchTuning, elapsedMs: () => number): BatchSize {
  let size = 1;
  let shortestMs = Number.POSITIVE_INFINITY;
  let endMs: number | undefined;
  const bounded = (events: number) => Math.max(1, Math.min(batchMax, Math.floor(events)));
  return {
    next() {
      if (endMs === undefined) return batchMax;
      const allowedMs = Math.max(liveMs, BEHIND_SHARE * (elapsedMs() - endMs));
      return bounded((size * allowedMs) / liveMs);
    },
    took(events, ms) {
      const full = 2 * events >= size;
      if (endMs !== undefined) shortestMs = Math.min(ms, full ? shortestMs : shortestMs * SHORTEST_GROWTH);
      const targetMs = endMs === undefined ? liveMs : Math.max(liveMs, 2 * shortestMs);
      const fitting = Math.min(2 * Math.max(size, events), (events * targetMs) / ms);
      size = bounded(full ? fitting : Math.max(size, fitting));
    },
    waited() {
      if (endMs !== undefined) endMs = elapsedMs();
    },
    atEnd() {
      endMs ??= elapsedMs();
    },
  };
}
