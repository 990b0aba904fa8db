import { openSqliteLog } from "ledger-core/event-log";
import { createLogger } from "ledger-core/process";
import { connectSqlite } from "ledger-core/sql";
import { openPaymentGraph } from "../adapters/sqlite/payment-graph.ts";
import { openSessionView } from "../adapters/sqlite/session-view.ts";
import { runProjection } from "../consumer/consumer.ts";
import { graphProjection } from "../projections/graph/projection.ts";
import { migrateModels } from "../projections/models/migrations.ts";
import { modelsProjection } from "../projections/models/projection.ts";
import { modelsTarget } from "../projections/models/target.ts";
import { sessionProjection } from "../projections/session/projection.ts";

/*
 * A projector in a process of its own, to be killed: projects the log in a folder into stores beside it, in small batches, and prints a
 * line after each; ends by itself when all projections are live.
 */

const [folder, batch] = process.argv.slice(2);
const log = await openSqliteLog({ file: `${folder}/events.sqlite` });
const db = connectSqlite({ file: `${folder}/models.sqlite` });
await migrateModels(db);
const views = { file: `${folder}/views.sqlite` };
const abort = new AbortController();
let live = 0;
const options = {
  log,
  shard: 0,
  signal: abort.signal,
  logger: createLogger({ level: "warn", name: "projector" }),
  batchMax: Number(batch),
  onProgress: (projection: string, _: number, revision: number) => process.stdout.write(`${projection} ${revision}\n`),
  onStatus: ({ state }: { state: string }) => {
    if (state === "live" && ++live === 3) abort.abort();
  },
};
const runs = [
  runProjection({ ...options, projection: modelsProjection, target: modelsTarget(db) }),
  runProjection({ ...options, projection: sessionProjection, target: await openSessionView(views) }),
  runProjection({ ...options, projection: graphProjection, target: await openPaymentGraph(views) }),
];
await Promise.all(runs.map(({ finished }) => finished));
await db.destroy();
await log.close();
process.stdout.write(`${runs.map((run) => run.status().state).join()}\n`);
