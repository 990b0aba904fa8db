import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { tables } from "ledger-core";
import { connectMysql, layoutSuffix, selectRows } from "ledger-core/sql";
import type { KafkaBroker } from "ledger-core/testing/engines/kafka";
import { checkAnswers } from "../checks.ts";
import { type Child, runScript, startChild } from "../children.ts";
import { type Figure, figure } from "../figure.ts";
import type { VisiblePlan, VisibleResult } from "../load/visible.ts";
import { type BenchPair, replicationFloor } from "../replica/pair.ts";
import type { EventTimes, ReadSideOptions, ReadSideQuestion } from "../servers/read-side.ts";
import type { ReplicaQueriesOptions, ReplicaQueriesReady } from "../servers/replica-queries.ts";
import { type LoadTarget, singlePlan } from "./singles.ts";

/** Payments per second: that of the target, and one at which a small machine has no queues. */
const RATES = [1000, 5000];
const TARGET_RATE = 5000;
/** Reads per second: few, since they take CPU from what they measure; and so many readers that none waits for one. */
const READS = { rate: 100, readers: 128 };
const TOPIC = { config: { "max.message.bytes": "1048576", "retention.ms": "604800000" } };
const POLL_MS = 5;
const parts = ["append", "mirror", "apply", "replicate", "notice"] as const;
type Parts = Readonly<Record<(typeof parts)[number], number>>;

export type VisibleOptions = {
  readonly folder: string;
  readonly seconds: number;
  readonly on: BenchPair;
  readonly broker: KafkaBroker;
  readonly database: string;
  /** The command-service, whose log other processes may read, and the last revision of that log. */
  readonly commands: LoadTarget;
  readonly head: number;
};

/**
 * P4r: from a payment's answer until the query-service shows it from the replica, through log, mirror, Kafka,
 * projection, primary and replica, and how long each part takes.
 */
export async function measureVisibleOnReplica(options: VisibleOptions): Promise<Figure[]> {
  const { folder, seconds, on, broker, database, commands, head } = options;
  const floor = await replicationFloor(on, 200);
  const topic = await broker.createTopic(TOPIC);
  const readSide = await startChild<object>("servers/read-side.ts", {
    ...{ file: join(folder, "events.sqlite"), brokers: broker.plain.brokers, topic },
    primary: on.onPrimary("writer", database),
  } satisfies ReadSideOptions);
  const queries = await startChild<ReplicaQueriesReady>("servers/replica-queries.ts", {
    folder: join(folder, "queries"),
    replica: on.onReplica("reader", database),
  } satisfies ReplicaQueriesOptions);
  await reach(readSide, head);
  const pay = (rate: number, forSeconds: number) => {
    const plan: VisiblePlan = {
      ...singlePlan(commands, forSeconds, { rate }),
      ...{ rate, every: rate / READS.rate, readers: READS.readers, reads: queries.ready },
    };
    return runScript<VisibleResult>("load/visible.ts", plan);
  };
  // The first reads compile, and open their connections to the replica.
  const warm = await pay(500, 3);
  checkAnswers("while warming up", [warm.load]);
  await reach(readSide, head + warm.load.acknowledged);
  const figures: Figure[] = [];
  for (const rate of RATES) {
    const watching = watchReplica(on, database);
    const result = await pay(rate, seconds).finally(watching.stop);
    const replicated = await watching.stop();
    checkAnswers("at a steady rate", [result.load]);
    const revisions = result.samples.map(({ revision }) => revision);
    await reach(readSide, Math.max(...revisions));
    const { times } = await ask<{ times: EventTimes[] }>(readSide, { ask: "times", revisions });
    const split = result.samples.map((sample, n) => partsOf(sample, times[n], replicated));
    figures.push(...figuresOf(rate, result, split, floor));
  }
  await queries.stop();
  await readSide.stop();
  return figures;
}

function ask<T>(readSide: Child<object>, question: ReadSideQuestion): Promise<T> {
  return readSide.ask<T>(question);
}

async function reach(readSide: Child<object>, revision: number): Promise<void> {
  while ((await ask<{ revision: number }>(readSide, { ask: "reached" })).revision < revision) await setTimeout(500);
}

/** The revision that the replica shows, and when it was seen, in ms since the epoch. */
type Seen = { readonly revision: number; readonly ms: number };

function watchReplica(on: BenchPair, database: string) {
  const db = connectMysql(on.onReplica("reader", database));
  // As cheap as can be: it takes CPU from what it measures.
  const text = `SELECT MAX(revision) AS revision FROM ${tables.checkpoints} WHERE projection = ? AND shard = 0`;
  const values = [`models${layoutSuffix(db)}`];
  const seen: Seen[] = [];
  const ending = new AbortController();
  let closing: Promise<void> | undefined;
  const watched = (async () => {
    while (!ending.signal.aborted) {
      const [row] = await selectRows<{ revision: bigint | null }>(db, text, values);
      seen.push({ revision: Number(row?.revision ?? -1), ms: performance.timeOrigin + performance.now() });
      await setTimeout(POLL_MS);
    }
  })();
  return {
    async stop(): Promise<readonly Seen[]> {
      ending.abort();
      closing ??= watched.then(() => db.destroy());
      await closing;
      return seen;
    },
  };
}

type Sample = VisibleResult["samples"][number];

function partsOf({ revision, answeredMs, visibleMs }: Sample, times: EventTimes | undefined, seen: readonly Seen[]) {
  if (!times) throw new Error(`the read side does not know revision ${revision}`);
  const { atMs, mirroredMs, appliedMs } = times;
  const replicatedMs = Math.min(visibleMs, seen.find((one) => one.revision >= revision)?.ms ?? visibleMs);
  return {
    append: answeredMs - atMs,
    mirror: Math.max(0, mirroredMs - answeredMs),
    apply: Math.max(0, appliedMs - Math.max(mirroredMs, answeredMs)),
    replicate: Math.max(0, replicatedMs - Math.max(appliedMs, answeredMs)),
    notice: visibleMs - Math.max(replicatedMs, answeredMs),
  };
}

const about: Readonly<Record<keyof Parts, string>> = {
  append: "from an event's time to its answer, before the delay begins",
  mirror: "until Kafka has acknowledged the event",
  apply: "until its rows are committed on the primary",
  replicate: `until the replica shows them, polled every ${POLL_MS} ms`,
  notice: "until the query is answered",
};

function figuresOf(rate: number, result: VisibleResult, split: readonly Parts[], floor: readonly number[]): Figure[] {
  const { load, visible, late } = result;
  const kept = load.perSecond >= 0.98 * rate ? "" : "the rate was NOT reached; ";
  const missed = late === 0 ? "" : `${late.toLocaleString("en")} NOT visible within 10 s; `;
  const reached = Math.round(load.perSecond).toLocaleString("en");
  const beside = (share: number) => [
    { name: "one row alone, from the primary's commit to the replica", value: at(floor, share) },
  ];
  const ofPart = (name: keyof Parts) => {
    const sorted = split.map((one) => one[name]).sort((one, other) => one - other);
    const note = `p50 ${at(sorted, 0.5).toFixed(1)} ms; ${about[name]}`;
    return figure("P4r", `of it at ${rate}/s, ${name}: p99`, { value: at(sorted, 0.99), unit: "ms", note });
  };
  return [
    figure("P4r", `answered to visible from the replica at ${rate} payments/s: p99`, {
      ...{ value: visible.p99Ms, unit: "ms", ...(rate === TARGET_RATE && { atMost: 100 }), beside: beside(0.99) },
      note: `${kept}${missed}${visible.count.toLocaleString("en")} reads, ${reached} payments/s`,
    }),
    figure("P4r", "the same: p50", { value: visible.p50Ms, unit: "ms", beside: beside(0.5) }),
    ...parts.map(ofPart),
  ];
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
}
