import { openEventLogReader } from "ledger-core/engines";
import type { StoredEvent } from "ledger-core/event-log";
import { openMirrorSource, openMirrorTarget } from "ledger-core/kafka";
import { createLogger } from "ledger-core/process";
import { connectMysql, type MysqlConnection } from "ledger-core/sql";
import { modelsProjection, modelsTarget, runProjection, startMirror, watchTarget } from "projection-workers";
import { childOptions, serveParent } from "./child.ts";

export type ReadSideOptions = {
  /** The log, in SQLite. */
  readonly file: string;
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly primary: MysqlConnection;
};
/** `reached`: how far both mirror and models have come, once the models follow Kafka live. */
export type ReadSideQuestion = { readonly ask: "reached" } | { readonly ask: "times"; readonly revisions: number[] };
/** Times in ms since the epoch. */
export type EventTimes = { readonly atMs: number; readonly mirroredMs: number; readonly appliedMs: number };

/** The mirror from the log to Kafka, and the read models on a primary from Kafka, as in production. */
const { file, brokers, topic, primary } = childOptions((value) => value as ReadSideOptions);
const logger = createLogger({ name: "bench", level: "error" });
const times = keepTimes();
const mirrorLog = await openEventLogReader({ kind: "sqlite", file });
const target = watchTarget(openMirrorTarget({ brokers, topic }, { logger }), () => times.mirrored);
const mirror = startMirror({ log: mirrorLog, target, shards: 1, logger });
const log = await openEventLogReader({ kind: "sqlite", file });
const source = openMirrorSource({ brokers, topic }, { logger });
const models = connectMysql(primary);
const ending = new AbortController();
const run = runProjection({
  ...{ shard: 0, signal: ending.signal, logger, projection: modelsProjection, target: modelsTarget(models) },
  log: { ...log, subscribe: (...from) => source.subscribe(...from) },
  onProgress: (_projection, _shard, revision) => times.applied(revision),
  onStatus({ state, reason }) {
    if (state === "halted" || state === "retrying") throw new Error(`the projection does not go on: ${reason}`);
  },
});
await serveParent({}, answer, async () => {
  ending.abort();
  await run.finished;
  await mirror.stop();
  await source.close();
  await Promise.all([mirrorLog.close(), log.close(), models.destroy()]);
});

async function answer(question: unknown): Promise<object> {
  const asked = question as ReadSideQuestion;
  switch (asked.ask) {
    case "reached":
      return { revision: run.status().state === "live" ? Math.min(times.lastMirrored(), run.status().revision) : -1 };
    case "times":
      return { times: asked.revisions.map(times.of) };
    default:
      return asked satisfies never;
  }
}

/** When each event was mirrored, and when its rows were committed. */
function keepTimes() {
  const nowMs = () => performance.timeOrigin + performance.now();
  const events = new Map<number, { readonly atMs: number; readonly mirroredMs: number }>();
  const commits: { readonly revision: number; readonly ms: number }[] = [];
  let last = -1;
  return {
    mirrored(batch: readonly StoredEvent[]): void {
      const mirroredMs = nowMs();
      for (const { revision, at } of batch) events.set(revision, { atMs: at / 1000, mirroredMs });
      last = batch.at(-1)?.revision ?? last;
    },
    applied: (revision: number) => void commits.push({ revision, ms: nowMs() }),
    lastMirrored: () => last,
    of(revision: number): EventTimes {
      const event = events.get(revision);
      const commit = commits.find((one) => one.revision >= revision);
      if (!event || !commit) throw new Error(`revision ${revision} was not mirrored or not applied`);
      return { ...event, appliedMs: commit.ms };
    },
  };
}
