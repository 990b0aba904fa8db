import type { KeyRunsOptions, StateLayout, WriterOptions } from "command-service";
import type { ConsumerOptions, ReadingTuning } from "projection-workers";
import type { QueryDeps, QueryLimits } from "query-service";
import type { Random } from "./random.ts";

/** Draws a setting for a world. */
type Draw<Value> = (random: Random) => Value;
/** A draw per option; a new option without a draw does not compile. */
type Draws<Options> = { readonly [Name in keyof Options]-?: Draw<NonNullable<Options[Name]>> };

/**
 * `acceptClock` is an operator's action, not a setting, and no world has an operator. `waitForLog` is the choice of a
 * process: one of a world ends instead, and is started again.
 */
type WriterWiring =
  | ("log" | "shard" | "stateFile" | "layout" | "runtime" | "seams" | "acceptClock" | "waitForLog")
  | ("onReplay" | "onDiscarded" | "onUnwritten" | "onReadiness");
type ConsumerWiring =
  | ("log" | "signal" | "logger" | "onProgress" | "onStatus" | "runtime")
  | ("projection" | "shard" | "target");
type QueryWiring = "models" | "graph" | "gold" | "shards" | "cursorKey" | "cursors" | "clock" | "wake" | "runtime";

type Tuning<Options, Wiring extends keyof Options> = Partial<Omit<Options, Wiring>>;

/** `runRevisions`: how many revisions a run of entries has in the read models. */
type ModelsTuning = { readonly runRevisions?: number };

/** The tuning constants of one world; those not drawn are absent and have their defaults. */
export type Settings = {
  readonly writer: Tuning<WriterOptions, WriterWiring>;
  readonly disk: Partial<StateLayout>;
  readonly consumer: Tuning<ConsumerOptions<unknown>, ConsumerWiring>;
  readonly reading: ReadingTuning;
  readonly models: ModelsTuning;
  readonly queries: Tuning<QueryDeps, QueryWiring>;
  /** The drawn constants, such as `writer.queueMax`, with their values. */
  readonly drawn: ReadonlyMap<string, string>;
};

type Table = { readonly [Part in Exclude<keyof Settings, "drawn">]: Draws<Settings[Part]> };

/** The values of every tuning constant, from those that a small world reaches at once to those of production. */
const draws: Table = {
  writer: {
    queueMax: scale(2, 20_000),
    queueBytesMax: scale(20_000, 64 * 2 ** 20),
    bulkShare: (random) => random.pick([0, 0.1, 0.75, 1]),
    batchBytesMax: scale(4_096, 921_600),
    eventBytesMax: scale(4_096, 32_768),
    atomicItemsMax: scale(1, 1_000),
    bulkAnswerBytesMax: scale(1_000, 10 * 2 ** 20),
    triedMax: scale(1, 1_000),
    pipelineThreshold: scale(1, 250),
    loadItemsMax: scale(1, 4_096),
    loadBytesMax: scale(2_000, 16 * 2 ** 20),
    loadPortionItems: scale(16, 256),
    loadReadsMax: scale(2, 8),
    loadGapMax: (random) => random.pick([0, 1, 16]),
    loadSpanMax: scale(1, 256),
    accountsCached: scale(2, 2_000),
    keys: drawKeys,
    namesCached: scale(2, 2_000),
    paymentsCached: scale(2, 2_000),
    paymentPagesCached: scale(2, 128),
    duePagesPerLook: scale(1, 64),
    dueLooksPerPass: scale(1, 16),
    flushAt: scale(1, 400),
    flushSliceMs: (random) => random.pick([0, 0.5, 1, 5]),
    flushMsPerEvent: (random) => random.pick([0, 0.01, 0.1, 1]),
    changedPagesMax: scale(1, 16_384),
    tailsMax: scale(1, 8),
    unwrittenMax: scale(1, 8),
    failedReadsMax: scale(1, 8),
    expiryEveryMs: scale(100, 5_000),
    dueMax: scale(1, 1_000),
    // No world lasts an hour, so no process counts as having slept; and a writer follows a clock that is corrected by
    // an hour.
    clockAheadMaxMs: (random) => random.pick([2, 3, 720]) * 3_600_000,
    releasesMax: scale(1, 50),
  },
  disk: {
    accountsPerPage: scale(1, 250),
    revisionsPerPage: scale(1, 512),
    pagesPerChunk: scale(1, 512),
    valuesPerPage: scale(1, 64),
  },
  consumer: {
    batchMax: scale(1, 10_000),
    batchBytesMax: scale(1, 2 ** 24),
    liveMs: scale(1, 1_000),
    retryMs: (random) =>
      random.pick([
        { first: 1, most: 10 },
        { first: 50, most: 400 },
        { first: 100, most: 5_000 },
      ]),
  },
  reading: {
    paceMs: scale(1, 1_000),
    patienceMs: scale(1, 5_000),
    backMax: scale(1, 100_000),
  },
  models: { runRevisions: scale(1, 65_536) },
  queries: { limits: drawLimits },
};

function drawKeys(random: Random): Required<KeyRunsOptions> {
  return {
    filterBytes: random.pick([0, 200, 2 ** 20]),
    entriesPerBlock: scale(1, 255)(random),
    layers: scale(1, 8)(random),
    partKeys: scale(1, 2 ** 20)(random),
    mergeWidth: scale(2, 8)(random),
    lastRatio: scale(1, 8)(random),
    stepsPerCommit: scale(1, 16)(random),
    runsMax: scale(2, 32)(random),
    readsAtOnce: scale(1, 64)(random),
  };
}

function drawLimits(random: Random): QueryLimits {
  const first = random.pick([1, 5, 40]);
  return {
    scanMax: scale(1, 2_000)(random),
    mergedAccounts: scale(1, 160)(random),
    pageRows: scale(1, 200)(random),
    waitMs: scale(1, 1_000)(random),
    waitersPerCaller: scale(1, 256)(random),
    waitersMax: scale(1, 16_384)(random),
    pollMs: { first, most: first * random.pick([1, 10]) },
    replicaPauseMs: scale(1, 100)(random),
    trainedMs: scale(1, 1_000)(random),
  };
}

/** The share of settings left at production's values. */
const DEFAULT_SHARE = 0.15;

/**
 * Draws a world's settings, each from its own stream, so that leaving one at its default does not change the others.
 */
export function drawSettings(random: Random, defaults: ReadonlySet<string>): Settings {
  const drawn = new Map<string, string>();
  function draw<Options>(part: string, table: Draws<Options>): Partial<Options> {
    const settings: { -readonly [Name in keyof Options]?: Options[Name] } = {};
    for (const name in table) {
      const stream = random.stream(`${part}.${name}`);
      const value = table[name](stream);
      if (stream.chance(DEFAULT_SHARE) || defaults.has(`${part}.${name}`)) continue;
      settings[name] = value;
      drawn.set(`${part}.${name}`, JSON.stringify(value));
    }
    return settings;
  }
  return {
    writer: draw("writer", draws.writer),
    disk: draw("disk", draws.disk),
    consumer: draw("consumer", draws.consumer),
    reading: draw("reading", draws.reading),
    models: draw("models", draws.models),
    queries: draw("queries", draws.queries),
    drawn,
  };
}

/** Usually a small value: the minimum, sometimes the maximum, otherwise any value on a logarithmic scale. */
function scale(least: number, most: number): Draw<number> {
  return (random) => {
    const roll = random.below(10);
    if (roll < 2) return least;
    if (roll < 3) return most;
    return Math.min(most, Math.floor(least * (most / least) ** (random.below(1001) / 1000)));
  };
}
