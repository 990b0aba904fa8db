import { Histogram, type Registry } from "prom-client";

const name = "http_request_duration_seconds";
const labelNames = ["method", "route", "status"] as const;
type Label = (typeof labelNames)[number];
type Labels = Readonly<Record<Label, string>>;
type Values = Awaited<ReturnType<Histogram<Label | "le">["get"]>>["values"];

/** Upper ends of the buckets, in seconds. */
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** The observations of one method, route and status. */
export type AnswerSeries = { observe(seconds: number): void };
type Series = AnswerSeries & { values(): Values };

/** The series of these labels; the caller keeps it, so that an observation looks nothing up. */
type AnswerTimes = (labels: Labels) => AnswerSeries;

/**
 * The histogram of answer times. prom-client's `observe` hashes its labels, which costs 2 µs per request; so
 * observations go into plain numbers, and prom-client reads them at a scrape.
 */
export function measureAnswerTimes(registry: Registry): AnswerTimes {
  // A copy of the buckets: prom-client freezes its own, and frozen numbers are read more slowly.
  const config = {
    name,
    help: "Time to answer, by route and status.",
    labelNames,
    buckets: [...buckets],
    registers: [],
  };
  const all = new Map<string, Series>();
  const empty = new Histogram<Label | "le">(config);
  const scrape = async () => ({ ...(await empty.get()), values: [...all.values()].flatMap((one) => one.values()) });
  // The registry calls `getForPromString` where there is one, else `get`.
  registry.registerMetric(Object.assign(new Histogram(config), { get: scrape, getForPromString: scrape }));
  return (labels) => {
    const key = `${labels.method} ${labels.route} ${labels.status}`;
    const series = all.get(key) ?? createSeries(labels);
    all.set(key, series);
    return series;
  };
}

function createSeries(labels: Labels): Series {
  const counts = buckets.map(() => 0);
  const total = { count: 0, sum: 0 };
  return {
    observe(seconds) {
      total.count++;
      total.sum += seconds;
      for (let bucket = 0; bucket < buckets.length; bucket++) {
        if (seconds > (buckets[bucket] ?? 0)) continue;
        counts[bucket] = (counts[bucket] ?? 0) + 1;
        return;
      }
    },
    values() {
      let below = 0;
      const bounded = buckets.map((le, bucket) => {
        below += counts[bucket] ?? 0;
        return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: below };
      });
      return [
        ...bounded,
        { metricName: `${name}_bucket`, labels: { ...labels, le: "+Inf" }, value: total.count },
        { metricName: `${name}_sum`, labels, value: total.sum },
        { metricName: `${name}_count`, labels, value: total.count },
      ];
    },
  };
}
