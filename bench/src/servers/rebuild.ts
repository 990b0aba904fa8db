import { assert, NO_REVISION } from "ledger-core";
import { openLogThread } from "ledger-core/event-log";
import { createLogger } from "ledger-core/process";
import { connectMysql, connectSqlite, type MysqlConnection } from "ledger-core/sql";
import { migrateModels, modelsProjection, modelsTarget, runProjection } from "projection-workers";
import { bytesWritten } from "../disk.ts";
import { startBenchMariadb } from "../peers/mariadb-engine.ts";
import { childOptions, memory, serveParent } from "./child.ts";

/** Source and target. Times `events` events, after `before` events (the opening of accounts) have been applied. */
export type RebuildRunOptions = {
  readonly log: string;
  readonly store: { readonly file: string } | "mariadb" | { readonly server: MysqlConnection };
  readonly before: number;
  readonly events: number;
};
export type RebuildReady = Rebuilt | { readonly absent: string };
/** `writtenBytes` covers only this process; null if the system does not report it. */
export type Rebuilt = Readonly<Record<"events" | "seconds" | "cpuSeconds" | "rssMostBytes", number>> & {
  readonly writtenBytes: number | null;
};

/**
 * Builds the read models from a log into an empty store, with the projection as in production, and reports the speed.
 */
const { log, store, before, events } = childOptions((value) => value as RebuildRunOptions);
const engine = store === "mariadb" ? await startBenchMariadb() : undefined;
const ready = engine && "absent" in engine ? engine : await rebuild(engine?.connection);
await serveParent(
  ready,
  async () => ({}),
  async () => {
    if (engine && "stop" in engine) await engine.stop();
  },
);

async function rebuild(mariadb: MysqlConnection | undefined): Promise<RebuildReady> {
  const models = openModels(mariadb);
  const source = await openLogThread({ file: log });
  await migrateModels(models);
  const last = Math.min(await source.log.head(0), before + events - 1);
  const abort = new AbortController();
  const now = (revision: number) => ({
    ...{ revision, ms: performance.now(), cpuSeconds: memory().cpuSeconds, bytes: bytesWritten("self") },
  });
  let start = now(NO_REVISION);
  let reached = NO_REVISION;
  const run = runProjection({
    ...{ log: source.log, shard: 0, projection: modelsProjection, target: modelsTarget(models) },
    ...{ signal: abort.signal, logger: createLogger({ name: "bench", level: "error" }) },
    onProgress(_projection, _shard, revision) {
      reached = revision;
      if (start.revision < before) start = now(revision);
      if (revision >= last) abort.abort();
    },
    onStatus({ state, reason }) {
      if (state === "halted" || state === "retrying") throw new Error(`the projection does not go on: ${reason}`);
    },
  });
  await run.finished;
  await models.destroy();
  const end = now(reached);
  await source.close();
  const writtenBytes = end.bytes - start.bytes;
  return {
    events: end.revision - start.revision,
    seconds: (end.ms - start.ms) / 1000,
    cpuSeconds: end.cpuSeconds - start.cpuSeconds,
    writtenBytes: Number.isNaN(writtenBytes) ? null : writtenBytes,
    rssMostBytes: memory().rssMostBytes,
  };
}

function openModels(mariadb: MysqlConnection | undefined) {
  if (mariadb) return connectMysql(mariadb);
  assert(store !== "mariadb", "its server was started");
  return "file" in store ? connectSqlite(store) : connectMysql(store.server);
}
