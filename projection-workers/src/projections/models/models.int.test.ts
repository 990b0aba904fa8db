import { connectMysql } from "ledger-core/sql";
import { findMariadb, type Mariadb, startMariadb } from "ledger-core/testing";
import { afterAll, beforeAll, describe } from "vitest";
import { modelsSuite } from "../../testing/models-suite.ts";

const source = await findMariadb();

describe.skipIf(source.kind === "none")(source.kind === "none" ? source.reason : "MariaDB", () => {
  let mariadb: Mariadb;
  beforeAll(async () => {
    mariadb = await startMariadb(source);
  });
  afterAll(() => mariadb.stop());

  modelsSuite("MariaDB", async () => {
    const connection = await mariadb.createDatabase();
    const db = connectMysql(connection);
    const reader = connectMysql(connection);
    const opened = [db, reader];
    return {
      db,
      reader,
      reopen: async () => {
        const again = connectMysql(connection);
        opened.push(again);
        return again;
      },
      dispose: async () => {
        await Promise.all(opened.map((each) => each.destroy()));
      },
    };
  });
});
