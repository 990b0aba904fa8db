import { connectMysql } from "ledger-core/sql";
import { findMariadb, type Mariadb, startMariadb } from "ledger-core/testing";
import { afterAll, beforeAll, describe } from "vitest";
import { makeSqlProjections, migrateModels } from "../../projections/list.ts";
import { serverRebuildSuite } from "../../testing/rebuild-suite.ts";
import { sqlServer } from "./server.ts";

const source = await findMariadb();

describe.skipIf(source.kind === "none")(source.kind === "none" ? source.reason : "MariaDB", () => {
  let mariadb: Mariadb;
  beforeAll(async () => {
    mariadb = await startMariadb(source);
  });
  afterAll(() => mariadb.stop());

  serverRebuildSuite("MariaDB", async () => {
    const connection = await mariadb.createDatabase();
    const connect = () => connectMysql({ ...connection, pool: { min: 0, max: 4 } });
    const db = connect();
    await migrateModels(db);
    await db.destroy();
    const [model] = makeSqlProjections(64);
    if (!model) throw new Error("the models are a projection");
    // The lock of a killed process ends with its connection.
    return { server: sqlServer(model, connect), killedRebuild: async () => undefined };
  });
});
