/** Latencies in milliseconds, the newest of them up to a bound. */
export class Latencies {
  private readonly values: Float64Array;
  private count = 0;

  constructor(most: number) {
    this.values = new Float64Array(most);
  }

  add(ms: number): void {
    this.values[this.count % this.values.length] = ms;
    this.count++;
  }

  /** Percentiles of what was kept: the newest `most` values. */
  summary(): LatencySummary {
    const kept = this.values.subarray(0, Math.min(this.count, this.values.length)).slice().sort();
    const at = (share: number) => kept[Math.min(kept.length - 1, Math.floor(kept.length * share))] ?? Number.NaN;
    return { count: this.count, p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999), maxMs: at(1) };
  }
}

export type LatencySummary = {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
};
