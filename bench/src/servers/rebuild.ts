import { NO_REVISION } from "ledger-core";
import { openSqliteLog } from "ledger-core/event-log";
import { createLogger } from "ledger-core/process";
import { connectMysql, connectSqlite, type MysqlConnection } from "ledger-core/sql";
import { migrateModels, modelsProjection, modelsTarget, runProjection } from "projection-workers";
import { childOptions, memory, serveParent } from "./child.ts";

/** Where from, where to, and how many events. */
export type RebuildOptions = {
  readonly log: string;
  readonly models: { readonly file: string } | { readonly mysql: MysqlConnection };
  readonly events: number;
};
export type RebuildReady = { readonly events: number; readonly seconds: number; readonly rssMostBytes: number };

/** The read models built from an empty store out of a log, by the projection as production runs it; then it is told how fast. */
const { log: logFile, models: store, events } = childOptions((value) => value as RebuildOptions);
const log = await openSqliteLog({ file: logFile });
const models = "file" in store ? connectSqlite({ file: store.file }) : connectMysql(store.mysql);
await migrateModels(models);
const last = Math.min(await log.head(0), events - 1);
const abort = new AbortController();
let reached = NO_REVISION;
const startMs = performance.now();
const run = runProjection({
  ...{ log, shard: 0, projection: modelsProjection, target: modelsTarget(models) },
  ...{ signal: abort.signal, logger: createLogger({ name: "bench", level: "error" }) },
  onProgress(_projection, _shard, revision) {
    reached = revision;
    if (revision >= last) abort.abort();
  },
  onStatus({ state, reason }) {
    if (state === "halted" || state === "retrying") throw new Error(`the projection does not go on: ${reason}`);
  },
});
await run.finished;
const ready: RebuildReady = {
  events: reached + 1,
  seconds: (performance.now() - startMs) / 1000,
  rssMostBytes: memory().rssMostBytes,
};
await serveParent(
  ready,
  async () => ({}),
  async () => {
    await models.destroy();
    await log.close();
  },
);
