import { assumed, type CapacityLoad, measured, planCapacity } from "./plan.ts";

/** The loads of the page: the customer's, a tenth of it, and a start. */
const loads: Readonly<Record<string, CapacityLoad>> = {
  "1.5 million users": { paymentsPerYear: 500_000_000, peakPerSecond: 20_000 },
  "150,000 users": { paymentsPerYear: 50_000_000, peakPerSecond: 2_000 },
  "a start": { paymentsPerYear: 5_000_000, peakPerSecond: 200 },
};

const whole = (value: number) => Math.ceil(value).toLocaleString("en-US");
/** Two significant digits: the inputs are no better. */
const about = (value: number) => Number(value.toPrecision(2)).toLocaleString("en-US");

/** docs/capacity.md. */
export function capacityPage(): string {
  const plans = Object.values(loads).map((load) => ({ ...load, ...planCapacity(load) }));
  const rows: [string, (plan: (typeof plans)[number]) => string][] = [
    ["payments per year", (plan) => whole(plan.paymentsPerYear)],
    [
      "payments/s, at the peak and on average",
      (plan) => `${whole(plan.peakPerSecond)}; ${about(plan.averagePerSecond)}`,
    ],
    ["shards: streams, partitions, command-services", (plan) => whole(plan.shards)],
    ["mirror processes", (plan) => whole(plan.mirrors)],
    ["projection workers", (plan) => whole(plan.projectionWorkers)],
    ["query-service processes", (plan) => whole(plan.queryProcesses)],
    ["MySQL replicas, beside the primary; 16 cores each", (plan) => whole(plan.replicas)],
    ["Event Hubs, throughput units of Standard", (plan) => whole(plan.eventHubsUnits)],
    ["log, GB per year and node; three nodes of 8 cores", (plan) => about(plan.logGigabytesPerYear)],
    ["read models, GB per year and server", (plan) => about(plan.modelGigabytesPerYear)],
    [`read models after ${assumed.yearsKept} years, GB per server`, (plan) => about(plan.modelGigabytesKept)],
    ["cores of services and log; of MySQL", (plan) => `${whole(plan.cores)}; ${whole(plan.databaseCores)}`],
    ["cost, USD per month, order of magnitude", (plan) => about(plan.usdPerMonth)],
  ];
  const table = (lines: readonly (readonly string[])[]) => lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
  const rule = (columns: number) => Array.from({ length: columns }, () => "---");
  const figures = Object.entries(measured).map(([name, { value, quote }]) => [
    `${name}: ${whole(value)}`,
    quote.replaceAll(" | ", ": "),
  ]);
  const guesses = Object.entries(assumed).map(([name, value]) => [`\`${name}\``, String(value)]);
  const { singlesPerShard, writerMemoryMib } = measured;
  return `# Capacity

How much a load needs. The arithmetic is [bench/src/capacity/plan.ts](../bench/src/capacity/plan.ts); a test writes
this page from it and finds every measured figure in [performance.md](performance.md).

${table([["", ...Object.keys(loads)], rule(plans.length + 1), ...rows.map(([what, of]) => [what, ...plans.map(of)])])}
The peak decides, not the year: 500 million payments are 16 a second on average. Every payment is one request here;
a shard takes nearly four times as many in bulks of 1,000.

**One shard is what runs today.** More than one writer, and payments between shards, are designed but not built, so the
first column is a plan. One shard takes ${whole(singlesPerShard.value * assumed.usable)} payments/s with room to spare,
and ${whole(singlesPerShard.value)} without.

## Measured
On two cores that load process, service and engine shared; a machine of its own per process does better.

${table([["figure", "in performance.md"], rule(2), ...figures])}
## Assumed
Limits that a vendor documents, and guesses. Replace each by a load test on the target before buying: MySQL's own rate
first, since projections decide how many shards there are.

${table([["figure", "value"], rule(2), ...guesses])}
Requests for CPU and memory of one pod: ${assumed.coresPerProcess} cores and 1 GiB for command-service
(${writerMemoryMib.value} MiB were the most under 10 million payments),
${assumed.coresPerProcess} cores for every other.
The writer's volume for the decision state grows by some 30 bytes per payment, and may be lost at any time.
`;
}
