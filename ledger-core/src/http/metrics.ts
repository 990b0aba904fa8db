import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** The metrics of a process; a name is used once. */
export type Metrics = {
  readonly registry: Registry;
  counter(name: string, help: string): Pick<Counter, "inc">;
  /** `observe` costs some 2 µs: not for what happens per payment. */
  histogram(name: string, help: string, buckets: readonly number[]): Pick<Histogram, "observe">;
  /** `read` is called at each scrape. */
  gauge(name: string, help: string, read: () => number): void;
};

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    counter: (name, help) => new Counter({ name, help, registers }),
    histogram: (name, help, buckets) => new Histogram({ name, help, buckets: [...buckets], registers }),
    gauge(name, help, read) {
      new Gauge({
        ...{ name, help, registers },
        collect() {
          this.set(read());
        },
      });
    },
  };
}
