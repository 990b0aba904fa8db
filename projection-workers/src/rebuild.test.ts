import { join } from "node:path";
import { openTestLog } from "ledger-core/testing";
import { expect, test } from "vitest";
import { openPaymentGraph } from "./adapters/payment-graph-file.ts";
import { openSessionView } from "./adapters/session-view-file.ts";
import { servedBuild } from "./models/builds.ts";
import { rebuildableModels } from "./models/rebuild.ts";
import { startProjections } from "./projections.ts";
import { rebuild } from "./rebuild.ts";
import { randomHistory } from "./testing/history.ts";
import { appendAll, modelRows, quiet, testFolder, testModels } from "./testing/stores.ts";

async function liveProjections() {
  const { log } = await openTestLog();
  const { db, reader } = await testModels();
  const file = join(await testFolder(), "views.sqlite");
  const session = await openSessionView({ file });
  const graph = await openPaymentGraph({ file });
  return { log, db, reader, session, graph };
}

test("a rebuild equals the live projections row for row and is served, while events go on arriving", async () => {
  const { log, db, reader, session, graph } = await liveProjections();
  const events = randomHistory(4, 700);
  await appendAll(log, events.slice(0, 500));
  const head = events.length - 1;
  const caughtUp = Promise.withResolvers<void>();
  const projections = startProjections({
    log,
    shards: [0],
    models: db,
    session,
    graph,
    logger: quiet,
    onProgress: () => {
      if (projections.status().every(({ revision }) => revision === head)) caughtUp.resolve();
    },
  });
  const options = { log, shards: [0], logger: quiet };
  const rest = appendAll(log, events.slice(500));
  const results = [
    await rebuild(rebuildableModels(db, reader), options),
    await rebuild(session.rebuildable, options),
    await rebuild(graph.rebuildable, options),
  ];
  await rest;
  await caughtUp.promise;
  for (const { comparison } of results) expect(comparison).toMatchObject({ differing: 0, differences: [] });
  expect(results.map(({ version }) => version)).toEqual([2, 2, 2]);
  expect(await servedBuild(reader, "models")).toEqual({ version: 2, suffix: "_v2" });

  const before = await modelRows(db);
  const again = await rebuild(rebuildableModels(db, reader), options);
  expect(again).toMatchObject({ version: 3, events: head + 1, comparison: { differing: 0 } });
  expect(again.comparison.rows).toBe(Object.values(before).flat().length);
  expect(await modelRows(db)).toEqual(before);
  await projections.stop();
});
