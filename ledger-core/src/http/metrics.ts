export type Labels = Readonly<Record<string, string>>;
export type Counter = { add(labels?: Labels, amount?: number): void };
export type Histogram = {
  /** The series of these labels; keep it where it is observed often. */
  of(labels?: Labels): { observe(value: number): void };
};

/** A small registry in the text format of Prometheus: counters, gauges that are read when asked, histograms. */
export type Metrics = {
  counter(name: string, help: string): Counter;
  gauge(name: string, help: string, read: () => number): void;
  /** `bounds` are the upper ends of the buckets, ascending. */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram;
  /** Everything as it stands now. */
  text(): string;
};

type Family = { readonly head: string; lines(): string[] };

export function createMetrics(): Metrics {
  const families = new Map<string, Family>();

  function add(name: string, kind: string, help: string, lines: () => string[]): void {
    if (families.has(name)) throw new Error(`the metric ${name} is there already`);
    families.set(name, { head: `# HELP ${name} ${help}\n# TYPE ${name} ${kind}`, lines });
  }

  return {
    counter(name, help) {
      const counts = new Map<string, number>();
      add(name, "counter", help, () => [...counts].map(([labels, count]) => `${name}${labels} ${count}`));
      return {
        add(labels = {}, amount = 1) {
          const text = formatLabels(labels);
          counts.set(text, (counts.get(text) ?? 0) + amount);
        },
      };
    },
    gauge(name, help, read) {
      add(name, "gauge", help, () => [`${name} ${read()}`]);
    },
    histogram(name, help, bounds) {
      const series = new Map<string, Series>();
      add(name, "histogram", help, () => [...series.values()].flatMap((one) => histogramLines(name, bounds, one)));
      return {
        of(labels = {}) {
          const text = formatLabels(labels);
          const one = series.get(text) ?? { labels, counts: bounds.map(() => 0), count: 0, sum: 0 };
          series.set(text, one);
          return { observe: (value) => observe(one, bounds, value) };
        },
      };
    },
    text() {
      return `${[...families.values()].map(({ head, lines }) => [head, ...lines()].join("\n")).join("\n")}\n`;
    },
  };
}

type Series = { readonly labels: Labels; readonly counts: number[]; count: number; sum: number };

function observe(series: Series, bounds: readonly number[], value: number): void {
  series.count++;
  series.sum += value;
  for (let bucket = 0; bucket < bounds.length; bucket++) {
    if (value > (bounds[bucket] ?? 0)) continue;
    series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
    return;
  }
}

function histogramLines(name: string, bounds: readonly number[], series: Series): string[] {
  let below = 0;
  const buckets = bounds.map((bound, index) => {
    below += series.counts[index] ?? 0;
    return `${name}_bucket${formatLabels({ ...series.labels, le: String(bound) })} ${below}`;
  });
  const labels = formatLabels(series.labels);
  return [
    ...buckets,
    `${name}_bucket${formatLabels({ ...series.labels, le: "+Inf" })} ${series.count}`,
    `${name}_sum${labels} ${series.sum}`,
    `${name}_count${labels} ${series.count}`,
  ];
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
