import { join } from "node:path";
import type { LedgerEvent } from "ledger-core";
import { openSqlite } from "ledger-core/sql";
import { openTestLog } from "ledger-core/testing";
import { openSessionView } from "query-service";
import { expect, onTestFinished, test } from "vitest";
import { servedBuild } from "../adapters/sql/builds.ts";
import { paymentGraph } from "../adapters/sqlite/payment-graph.ts";
import { sessionView } from "../adapters/sqlite/session-view.ts";
import { openViewStore } from "../adapters/sqlite/view-store.ts";
import { type ConsumerOptions, type ProjectionStatus, runProjection } from "../consumer/consumer.ts";
import { graphProjection } from "../projections/graph/projection.ts";
import { modelsStore } from "../projections/models/model.ts";
import { modelsProjection } from "../projections/models/projection.ts";
import { sessionProjection } from "../projections/session/projection.ts";
import { randomHistory } from "../testing/history.ts";
import { appendAll, modelRows, quiet, testFolder, testModels } from "../testing/stores.ts";
import { rebuild } from "./rebuild.ts";

async function liveProjections() {
  const { log } = await openTestLog();
  const { db, reader } = await testModels();
  const file = join(await testFolder(), "views.sqlite");
  const session = openViewStore(sessionView, { file });
  const graph = openViewStore(paymentGraph, { file });
  onTestFinished(async () => void (await Promise.all([session.close(), graph.close()])));
  return { log, db, reader, models: modelsStore({ db, reader }), session, graph, file };
}

test("a rebuild equals the live projections row for row and is served, while events go on arriving", async () => {
  const { log, db, reader, models, session, graph } = await liveProjections();
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
    runProjection({ ...common, onProgress, projection: sessionProjection, target: session }),
    runProjection({ ...common, onProgress, projection: graphProjection, target: graph }),
  ];
  const options = { log, shards: [0], logger: quiet };
  const rest = appendAll(log, events.slice(500));
  const results = [
    await rebuild(modelsProjection, models, options),
    await rebuild(sessionProjection, session, options),
    await rebuild(graphProjection, graph, options),
  ];
  await rest;
  await caughtUp.promise;
  for (const { comparison } of results) expect(comparison).toMatchObject({ differing: 0, differences: [] });
  expect(results.map(({ version }) => version)).toEqual([2, 2, 2]);
  expect(await servedBuild(reader, "models")).toEqual({ version: 2, suffix: "_v2" });

  const before = await modelRows(db);
  const again = await rebuild(modelsProjection, models, options);
  expect(again).toMatchObject({ version: 3, events: head + 1, comparison: { differing: 0 } });
  expect(again.comparison.rows).toBe(Object.values(before).flat().length);
  expect(await modelRows(db)).toEqual(before);
  abort.abort();
  await Promise.all(runs.map(({ finished }) => finished));
});

test("a view's row changed by hand is found and mended; a reader beside it sees the switch", async () => {
  const { log, session, graph, file } = await liveProjections();
  const events = randomHistory(5, 300);
  await appendAll(log, events);
  const shard = { log, shard: 0, logger: quiet };
  await projected({ ...shard, projection: sessionProjection, target: session });
  await projected({ ...shard, projection: graphProjection, target: graph });
  const reader = openSessionView({ file });
  onTestFinished(() => reader.close());
  const right = await reader.read("tenant-a", "owner-1");

  const other = openSqlite({ file });
  other.exec("UPDATE session_accounts SET posted = posted + 1");
  other.exec("DELETE FROM graph_edges WHERE event = (SELECT min(event) FROM graph_edges)");
  other.close();
  expect(await reader.read("tenant-a", "owner-1")).not.toEqual(right);
  const options = { log, shards: [0], logger: quiet };
  const accounts = await rebuild(sessionProjection, session, options);
  expect(accounts.comparison).toMatchObject({ differing: events.filter(isOpening).length });
  expect(accounts.comparison.differences[0]).toMatchObject({ table: "session_accounts" });
  expect(await reader.read("tenant-a", "owner-1")).toEqual(right);
  const edges = await rebuild(graphProjection, graph, options);
  expect(edges.comparison).toMatchObject({ differing: 1, differences: [{ table: "graph_edges", live: null }] });
  expect((await rebuild(graphProjection, graph, options)).comparison).toMatchObject({ differing: 0 });
});

test("a view's rebuild that is given up leaves the live build, and the next one succeeds", async () => {
  const { log, session, file } = await liveProjections();
  await appendAll(log, randomHistory(5, 300));
  await projected({ log, shard: 0, logger: quiet, projection: sessionProjection, target: session });
  const reader = openSessionView({ file });
  onTestFinished(() => reader.close());
  const before = await reader.read("tenant-a", "owner-1");
  const abort = new AbortController();
  const onProgress = () => abort.abort();
  const options = { log, shards: [0], logger: quiet };
  const given = rebuild(sessionProjection, session, { ...options, signal: abort.signal, onProgress });
  await expect(given).rejects.toMatchObject({ name: "AbortError" });
  expect(await reader.read("tenant-a", "owner-1")).toEqual(before);
  expect(await rebuild(sessionProjection, session, options)).toMatchObject({
    version: 2,
    comparison: { differing: 0 },
  });
});

function isOpening({ fact }: LedgerEvent): boolean {
  return fact.type === "AccountOpened";
}

/** Runs a projection to the end of the log. */
async function projected<Change>(options: Omit<ConsumerOptions<Change>, "signal">): Promise<void> {
  const abort = new AbortController();
  const onStatus = ({ state }: ProjectionStatus) => {
    if (state === "live") abort.abort();
  };
  await runProjection({ ...options, signal: abort.signal, onStatus }).finished;
}
