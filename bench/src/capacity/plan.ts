/** A measured figure, and its words in docs/performance.md. */
export type Measured = { readonly value: number; readonly quote: string };

/** The figures that the plan multiplies, all of one run, on two cores that load, service and engine shared. */
export const measured = {
  singlesPerShard: {
    value: 13_100,
    quote: "through EventStoreDB (stand-in), one per request; bulks of 1,000 | 13,100/s",
  },
  bulkPerShard: { value: 51_200, quote: "one per request; bulks of 1,000 | 13,100/s; 51,200/s" },
  mirrored: { value: 49_500, quote: "mirror to Kafka; its delay at 5,000/s, p99 | 49,500 events/s" },
  projected: { value: 29_200, quote: "the same in MariaDB | 76,400; 29,200 events/s" },
  logBytes: { value: 556, quote: "disk per payment, log and state | 869 MiB; 556 bytes" },
  modelBytes: { value: 143, quote: "read side at rest | 2.2 kB; 143 bytes per payment" },
  writerMemoryMib: { value: 869, quote: "most memory; disk per payment, log and state | 869 MiB" },
} as const satisfies Readonly<Record<string, Measured>>;

/** Figures that nobody measured here: documented limits, and guesses that a load test on the target must replace. */
export const assumed = {
  /** Share of a measured rate that is planned for: room for a slow minute, a rebuild or a lost node. */
  usable: 0.6,
  eventsPerPayment: 1,
  /** Bytes on a log's disk per payment in EventStoreDB, beside SQLite's: indexes and its own record headers. */
  logFactor: 2,
  /** Bytes in InnoDB beside SQLite's. */
  modelFactor: 3,
  logNodes: 3,
  /** Vendor's limit: events a second that one throughput unit of Event Hubs takes in. */
  eventsPerUnit: 1_000,
  queriesPerPayment: 3,
  /** Queries a second of one query-service with two cores; not measured as a rate. */
  queriesPerProcess: 1_500,
  replicaSpare: 1,
  yearsKept: 7,
  coresPerProcess: 2,
  /** Order of magnitude in USD per month, pay as you go, to be priced anew for region and contract. */
  usdPerCore: 40,
  usdPerDatabaseCore: 90,
  usdPerUnit: 22,
  usdPerGigabyte: 0.15,
} as const;

export type CapacityLoad = { readonly paymentsPerYear: number; readonly peakPerSecond: number };

export type CapacityPlan = {
  readonly averagePerSecond: number;
  readonly shards: number;
  readonly mirrors: number;
  readonly projectionWorkers: number;
  readonly queryProcesses: number;
  readonly replicas: number;
  readonly eventHubsUnits: number;
  readonly logGigabytesPerYear: number;
  readonly modelGigabytesPerYear: number;
  readonly modelGigabytesKept: number;
  readonly cores: number;
  readonly databaseCores: number;
  readonly usdPerMonth: number;
};

const SECONDS_PER_YEAR = 365 * 86_400;
const GIGA = 1_000_000_000;
/** Cores of a MySQL server and of a node of the log. */
const DATABASE_CORES = 16;
const LOG_CORES = 8;

/** The needs of a load when every payment is one request. */
export function planCapacity({ paymentsPerYear, peakPerSecond }: CapacityLoad): CapacityPlan {
  const peakEvents = peakPerSecond * assumed.eventsPerPayment;
  const processes = (rate: number, each: number) => Math.ceil(rate / (each * assumed.usable));
  const shards = processes(peakPerSecond, measured.singlesPerShard.value);
  // One worker per shard is the most that work at once; fewer would not keep up with the peak.
  const projectionWorkers = processes(peakEvents, measured.projected.value);
  const mirrors = processes(peakEvents, measured.mirrored.value);
  const queryProcesses = processes(peakPerSecond * assumed.queriesPerPayment, assumed.queriesPerProcess);
  const replicas = Math.ceil(queryProcesses / DATABASE_CORES) + assumed.replicaSpare;
  const eventHubsUnits = Math.ceil(peakEvents / assumed.eventsPerUnit);
  const gigabytes = (bytes: number) => (paymentsPerYear * bytes) / GIGA;
  const logGigabytesPerYear = gigabytes(measured.logBytes.value * assumed.logFactor);
  const modelGigabytesPerYear = gigabytes(measured.modelBytes.value * assumed.modelFactor);
  const modelGigabytesKept = modelGigabytesPerYear * assumed.yearsKept;
  const partitions = Math.max(shards, projectionWorkers);
  const services = partitions + mirrors + projectionWorkers + queryProcesses;
  const cores = services * assumed.coresPerProcess + assumed.logNodes * LOG_CORES;
  const databaseCores = (1 + replicas) * DATABASE_CORES;
  const disks = logGigabytesPerYear * assumed.logNodes + modelGigabytesKept * (1 + replicas);
  return {
    averagePerSecond: paymentsPerYear / SECONDS_PER_YEAR,
    shards: partitions,
    ...{ mirrors, projectionWorkers, queryProcesses, replicas, eventHubsUnits },
    ...{ logGigabytesPerYear, modelGigabytesPerYear, modelGigabytesKept, cores, databaseCores },
    usdPerMonth:
      cores * assumed.usdPerCore +
      databaseCores * assumed.usdPerDatabaseCore +
      eventHubsUnits * assumed.usdPerUnit +
      disks * assumed.usdPerGigabyte,
  };
}
