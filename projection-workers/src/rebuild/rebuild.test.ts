import { join } from "node:path";
import type { PaymentGraph } from "ledger-core";
import { openSqlite } from "ledger-core/sql";
import { examples, openTestLog, randomHistory } from "ledger-core/testing";
import { openPaymentGraph } from "query-service";
import { expect, onTestFinished, test } from "vitest";
import { paymentGraph } from "../adapters/sqlite/payment-graph.ts";
import { openViewStore } from "../adapters/sqlite/view-store.ts";
import { type ConsumerOptions, type ProjectionStatus, runProjection } from "../consumer/consumer.ts";
import { graphProjection } from "../projections/graph/projection.ts";
import { modelsStore } from "../projections/models/model.ts";
import { modelsProjection } from "../projections/models/projection.ts";
import { appendAll, modelRows, quiet, servedModels, testFolder, testModels } from "../testing/stores.ts";
import { type RebuildOptions, rebuild } from "./rebuild.ts";

async function liveProjections() {
  const { log } = await openTestLog();
  const { db, reader } = await testModels();
  const file = join(await testFolder(), "views.sqlite");
  const graph = openViewStore(paymentGraph, { file });
  onTestFinished(() => graph.close());
  return { log, db, reader, models: modelsStore({ db, reader }), graph, file };
}

test("a rebuild equals the live projections row for row and is served, while events keep arriving", async () => {
  const { log, db, reader, models, graph } = await liveProjections();
  const events = randomHistory(4, 700);
  await appendAll(log, events.slice(0, 500));
  const head = events.length - 1;
  const caughtUp = Promise.withResolvers<void>();
  const abort = new AbortController();
  const common = { log, shard: 0, logger: quiet, signal: abort.signal };
  const onProgress = () => {
    if (runs.every((run) => run.status().revision === head)) caughtUp.resolve();
  };
  const runs = [
    runProjection({ ...common, onProgress, projection: modelsProjection, target: models }),
    runProjection({ ...common, onProgress, projection: graphProjection, target: graph }),
  ];
  const options = { log, shards: [0], logger: quiet };
  const rest = appendAll(log, events.slice(500));
  const results = [await rebuild(modelsProjection, models, options), await rebuild(graphProjection, graph, options)];
  await rest;
  await caughtUp.promise;
  for (const { comparison } of results) expect(comparison).toMatchObject({ differing: 0, differences: [] });
  expect(results.map(({ version }) => version)).toEqual([2, 2]);
  expect(await servedModels(reader)).toEqual({ version: 2, suffix: "_v2" });

  const before = await modelRows(db);
  const again = await rebuild(modelsProjection, models, options);
  expect(again).toMatchObject({ version: 3, events: head + 1, comparison: { differing: 0 } });
  expect(again.comparison.rows).toBe(Object.values(before).flat().length);
  expect(await modelRows(db)).toEqual(before);
  abort.abort();
  await Promise.all(runs.map(({ finished }) => finished));
});

test("live projections of the same thread get a turn at each read of a comparison", async () => {
  const { log, models } = await liveProjections();
  await appendAll(log, randomHistory(6, 300));
  await projected({ log, shard: 0, logger: quiet, projection: modelsProjection, target: models });
  let [turns, counting] = [0, false];
  const count = () => {
    if (!counting) return;
    turns++;
    setImmediate(count);
  };
  const onProgress: RebuildOptions["onProgress"] = ({ step }) => {
    if (!counting && step === "comparing") setImmediate(count);
    counting = step === "comparing";
  };
  await rebuild(modelsProjection, models, { log, shards: [0], logger: quiet, onProgress });
  expect(turns).toBeGreaterThanOrEqual(2 * models.tables.length);
});

/** The recommendations of the history's first wallets. */
function recommended(reader: PaymentGraph) {
  const wallets = [1, 2, 3, 4, 5, 6].map((n) => examples.accountId(n));
  return Promise.all(wallets.map((wallet) => reader.recommend(examples.TENANT, wallet, 50)));
}

test("a view's row changed by hand is found and repaired; a concurrent reader sees the switch", async () => {
  const { log, graph, file } = await liveProjections();
  await appendAll(log, randomHistory(5, 300));
  await projected({ log, shard: 0, logger: quiet, projection: graphProjection, target: graph });
  const reader = openPaymentGraph({ file });
  onTestFinished(() => reader.close());
  const right = await recommended(reader);

  const other = openSqlite({ file });
  const [before] = other.prepare("SELECT count(*) AS edges FROM graph_edges").all();
  other.exec("DELETE FROM graph_edges");
  other.close();
  expect(await recommended(reader)).not.toEqual(right);
  const options = { log, shards: [0], logger: quiet };
  const { comparison } = await rebuild(graphProjection, graph, options);
  expect(comparison).toMatchObject({ differing: Number(before?.edges) });
  expect(comparison.differences[0]).toMatchObject({ table: "graph_edges", live: null });
  expect(await recommended(reader)).toEqual(right);
  expect((await rebuild(graphProjection, graph, options)).comparison).toMatchObject({ differing: 0 });
});

test("an aborted rebuild of a view leaves the live build, and the next one succeeds", async () => {
  const { log, graph, file } = await liveProjections();
  await appendAll(log, randomHistory(5, 300));
  await projected({ log, shard: 0, logger: quiet, projection: graphProjection, target: graph });
  const reader = openPaymentGraph({ file });
  onTestFinished(() => reader.close());
  const before = await recommended(reader);
  const abort = new AbortController();
  const onProgress = () => abort.abort();
  const options = { log, shards: [0], logger: quiet };
  const given = rebuild(graphProjection, graph, { ...options, signal: abort.signal, onProgress });
  await expect(given).rejects.toMatchObject({ name: "AbortError" });
  expect(await recommended(reader)).toEqual(before);
  expect(await rebuild(graphProjection, graph, options)).toMatchObject({ version: 2, comparison: { differing: 0 } });
});

/** Runs a projection to the end of the log. */
async function projected<Change>(options: Omit<ConsumerOptions<Change>, "signal">): Promise<void> {
  const abort = new AbortController();
  const onStatus = ({ state }: ProjectionStatus) => {
    if (state === "live") abort.abort();
  };
  await runProjection({ ...options, signal: abort.signal, onStatus }).finished;
}
