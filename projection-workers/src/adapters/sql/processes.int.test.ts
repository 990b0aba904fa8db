import { assert } from "ledger-core";
import { connectMysql } from "ledger-core/sql";
import { findMariadb, type Mariadb, startMariadb } from "ledger-core/testing";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { makeSqlProjections, migrateModels } from "../../projections/list.ts";
import { playLateWorker, unfenced } from "../../testing/late-worker.ts";
import { serverRebuildSuite } from "../../testing/rebuild-suite.ts";
import { modelRows } from "../../testing/stores.ts";
import { sqlServer } from "./server.ts";

const source = await findMariadb();
/** So short that a history spans several. */
const RUN = 64;

describe.skipIf(source.kind === "none")(source.kind === "none" ? source.reason : "MariaDB", () => {
  let mariadb: Mariadb;
  beforeAll(async () => {
    mariadb = await startMariadb(source);
  });
  afterAll(() => mariadb.stop());

  async function migrated() {
    const connection = await mariadb.createDatabase();
    const connect = () => connectMysql({ ...connection, pool: { min: 0, max: 4 } });
    const db = connect();
    onTestFinished(() => db.destroy());
    await migrateModels(db);
    const [model] = makeSqlProjections(RUN);
    assert(model, "the models are a projection");
    return { db, server: sqlServer(model, connect) };
  }

  serverRebuildSuite("MariaDB", async () => {
    const { server } = await migrated();
    // The lock of a killed process ends with its connection.
    return { server, killedRebuild: async () => undefined };
  });

  const unhurried = { timeout: 180_000 };

  test("a worker that another has overtaken is refused and goes on from where the models are", unhurried, async () => {
    const { db, server } = await migrated();
    expect(await playLateWorker(server, RUN, () => modelRows(db))).toEqual([]);
  });

  test("a planted fault is found: a checkpoint that is not fenced", unhurried, async () => {
    const { db, server } = await migrated();
    expect(await playLateWorker(unfenced(server), RUN, () => modelRows(db))).not.toEqual([]);
  });
});
