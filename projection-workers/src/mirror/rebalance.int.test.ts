import { join } from "node:path";
import { NO_REVISION } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import { openMirrorSource, openMirrorTarget } from "ledger-core/kafka";
import { systemRuntime } from "ledger-core/process";
import { connectSqlite } from "ledger-core/sql";
import { findKafka, type KafkaBroker, openTestLog, quickTuning, randomHistory, startKafka } from "ledger-core/testing";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { runProjection } from "../consumer/consumer.ts";
import { migrateModels } from "../projections/list.ts";
import { modelsTarget } from "../projections/models/model.ts";
import { modelsProjection } from "../projections/models/projection.ts";
import { appendAll, quiet as logger, modelRows, testFolder, testModels } from "../testing/stores.ts";
import { followMirror } from "./follow-mirror.ts";
import { reportLag } from "./lag-report.ts";
import { startMirror } from "./mirror.ts";

const source = await findKafka();
const history = randomHistory(9, 300);
const head = history.length - 1;
const open = { logger, tuning: quickTuning };

describe.skipIf(source.kind === "none")(source.kind === "none" ? source.reason : "a rebalance", () => {
  let broker: KafkaBroker;
  beforeAll(async () => {
    broker = await startKafka(source);
  });
  afterAll(() => broker.stop());

  test.each(["kafkajs", "platformatic"] as const)(
    "in mid-batch applies each event once (%s)",
    { timeout: 60_000 },
    async (client) => {
      const { log } = await openTestLog();
      const connection = { ...broker.plain, topic: await broker.createTopic(), client };
      const target = openMirrorTarget(connection, open);
      const mirror = startMirror({ log, target, shards: 1, logger });
      onTestFinished(() => mirror.stop());
      const file = join(await testFolder(), "models.sqlite");
      const db = connectSqlite({ file });
      onTestFinished(() => db.destroy());
      await migrateModels(db);
      const reached = (revision: number) =>
        expect.poll(() => modelsTarget(db).checkpoint(0), { timeout: 25_000 }).toBeGreaterThanOrEqual(revision);

      const start = () => startWorker(log, connection, file);
      const first = start();
      let second = first;
      let third = first;
      const changes = [
        async () => {
          second = start();
        },
        () => first.leave(),
        async () => {
          third = start();
        },
        () => second.leave(),
        async () => undefined,
      ];
      const share = Math.ceil(history.length / changes.length);
      for (const [index, change] of changes.entries()) {
        const flowing = appendAll(log, history.slice(index * share, (index + 1) * share));
        await reached(index * share);
        await change();
        await flowing;
      }
      await reached(head);
      await third.leave();
      expect(await modelRows(db)).toEqual(await rowsOfOneReplay());
      const committed = await broker.committed(connection.topic, connection.topic, 0);
      expect(committed).toBeGreaterThan(0);
      expect(committed).toBeLessThanOrEqual(history.length);
      for (const worker of [first, second, third]) expect(worker.applied()).toBeGreaterThan(0);
    },
  );
});

/** A worker with connections of its own to the broker and to the store that all workers write. */
function startWorker(log: EventLog, connection: Parameters<typeof openMirrorSource>[0], file: string) {
  const mirror = openMirrorSource(connection, { ...open, group: connection.topic });
  const db = connectSqlite({ file });
  const abort = new AbortController();
  const models = modelsTarget(db);
  let applied = 0;
  const target: typeof models = {
    ...models,
    async apply(...batch) {
      await models.apply(...batch);
      applied++;
    },
  };
  // As often as it can, so that commits meet the group in every state.
  const stopReports = reportLag({
    ...{ mirror, shards: [0], applied: () => run.status().revision, logger },
    ...{ runtime: systemRuntime, everyMs: 10 },
  });
  const run = runProjection({
    ...{ log: followMirror({ mirror, log, logger }), shard: 0, projection: modelsProjection, target },
    ...{ signal: abort.signal, logger, batchMax: 20, retryMs: { first: 20, most: 200 } },
  });
  const leave = async () => {
    abort.abort();
    stopReports();
    await run.finished;
    await mirror.close();
    await db.destroy();
  };
  onTestFinished(leave);
  return { leave, applied: () => applied };
}

async function rowsOfOneReplay(): Promise<Record<string, unknown[]>> {
  const { db } = await testModels();
  await modelsTarget(db).apply(0, NO_REVISION, head, history.flatMap(modelsProjection.project));
  return modelRows(db);
}
