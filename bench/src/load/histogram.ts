export type LatencySummary = {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
};

/** Latencies in milliseconds; keeps the newest up to a bound. */
export type Latencies = {
  add(ms: number): void;
  /** Percentiles of the kept latencies; `count` includes all that were added. NaN if there are none. */
  summary(): LatencySummary;
  clear(): void;
};

export function keepLatencies(most: number): Latencies {
  const values = new Float64Array(most);
  let count = 0;
  return {
    add(ms) {
      values[count % most] = ms;
      count++;
    },
    summary() {
      const kept = values.slice(0, Math.min(count, most)).sort();
      const at = (share: number) => percentile(kept, share);
      return { count, p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999), maxMs: at(1) };
    },
    clear() {
      count = 0;
    },
  };
}

/** The smallest value that at least this share of the sorted values does not exceed (nearest rank); NaN if empty. */
export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
