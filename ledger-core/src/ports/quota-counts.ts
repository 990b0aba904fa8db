/** The requests that a process admitted for one caller or tenant in a window, since it last told them. */
export type QuotaCount = { readonly key: string; readonly count: number };

/** A window of a quota: the nth span of so many seconds since 1970. */
export type QuotaWindow = { readonly seconds: number; readonly number: number };

/** Counts the requests of all services together. */
export interface QuotaCounts {
  /**
   * Adds to the counts of a window, at most 1,000 at once, and returns the totals in the same order. Counts of past
   * windows may be forgotten.
   * @throws LedgerError store_unavailable: nothing was added, or all of it, once
   */
  add(window: QuotaWindow, counts: readonly QuotaCount[]): Promise<readonly number[]>;
  close(): Promise<void>;
}
