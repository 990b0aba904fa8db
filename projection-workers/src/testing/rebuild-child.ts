import { openEventLogReader } from "ledger-core/engines";
import { connectMysql } from "ledger-core/sql";
import { sqlStore } from "../adapters/sql/store.ts";
import { makeReadModels } from "../projections/models/model.ts";
import { modelsProjection } from "../projections/models/projection.ts";
import { rebuild } from "../rebuild/rebuild.ts";
import { quiet } from "./stores.ts";

/*
 * A rebuild of the read models on a server, in a process of its own that is killed at one step. It kills itself, so
 * that no step is too short. Its one argument is JSON.
 */

const { file, connection, run, step } = JSON.parse(process.argv[2] ?? "{}");

function reached(name: string): void {
  if (name === step) process.kill(process.pid, "SIGKILL");
}

const model = makeReadModels(run);
const db = connectMysql({ ...connection, pool: { min: 0, max: 4 } });
const store = sqlStore(
  { db, reader: db },
  {
    ...model,
    prepare(on, changes) {
      const write = model.prepare(on, changes);
      return async (...into) => {
        await write(...into);
        reached("written, but not committed");
      };
    },
    views(on, suffix) {
      reached("served, but not shown");
      return model.views?.(on, suffix) ?? [];
    },
  },
);
const log = await openEventLogReader({ kind: "sqlite", file });
await rebuild(
  modelsProjection,
  {
    ...store,
    async create(build) {
      await store.create(build);
      reached("created");
    },
    async atOneMoment(work) {
      reached("filled");
      return store.atOneMoment(async (moment) => {
        const result = await work(moment);
        reached("compared");
        return result;
      });
    },
    switchTo: (live, build, catchUp) =>
      store.switchTo(live, build, async (...inside) => {
        await catchUp(...inside);
        reached("caught up, but not switched");
      }),
    async drop(build) {
      reached("shown");
      await store.drop(build);
    },
  },
  { log, shards: [0], logger: quiet },
);
