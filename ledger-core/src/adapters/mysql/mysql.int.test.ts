import { once } from "node:events";
import type { Knex } from "knex";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { selectRows } from "../../sql/rows.ts";
import { translateStoreErrors } from "../../sql/store-errors.ts";
import { createTable, insertRows, type Table } from "../../sql/table.ts";
import { inLock } from "../../sql/transactions.ts";
import { freePort } from "../../testing/engines/child-engine.ts";
import { findMariadb, type Mariadb, startMariadb } from "../../testing/engines/mariadb.ts";
import { startMariadbProcess } from "../../testing/engines/mariadb-process.ts";
import { sqlSuite } from "../../testing/sql-suite.ts";
import { connectMysql, type MysqlConnection } from "./mysql.ts";

const source = await findMariadb();

function connect(connection: MysqlConnection) {
  const db = connectMysql(connection);
  onTestFinished(() => db.destroy());
  return db;
}

describe.skipIf(source.kind === "none")(source.kind === "none" ? source.reason : "MariaDB", () => {
  let mariadb: Mariadb;
  beforeAll(async () => {
    mariadb = await startMariadb(source);
  });
  afterAll(() => mariadb.stop());

  sqlSuite("MariaDB", async () => {
    const connection = await mariadb.createDatabase();
    const db = connectMysql(connection);
    const reader = connectMysql(connection);
    return { db, reader, dispose: async () => void (await Promise.all([db.destroy(), reader.destroy()])) };
  });

  test("of two deadlocked transactions one continues, and the other may retry", async () => {
    const connection = await mariadb.createDatabase();
    const db = connect(connection);
    await db.raw("CREATE TABLE t (a int PRIMARY KEY, b int)");
    await db.raw("INSERT INTO t VALUES (1, 0), (2, 0)");
    const both = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
    const one = (first: number, second: number, mine: number) =>
      translateStoreErrors("store", () =>
        db.transaction(async (trx) => {
          await trx.raw("UPDATE t SET b = b + 1 WHERE a = ?", [first]);
          both[mine === 0 ? 0 : 1].resolve();
          await both[mine === 0 ? 1 : 0].promise;
          await trx.raw("UPDATE t SET b = b + 1 WHERE a = ?", [second]);
        }),
      );
    const outcomes = await Promise.allSettled([one(1, 2, 0), one(2, 1, 1)]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    expect(failed?.reason).toMatchObject({ code: "store_unavailable", retryable: true });
    expect((await selectRows(db, "SELECT b FROM t")).map(({ b }) => b)).toEqual([1, 1]);
  });

  test("a lock is one process's; it ends with its connection, and its holder is told", async () => {
    const connection = await mariadb.createDatabase();
    const [db, other] = [connect(connection), connect(connection)];
    const held = Promise.withResolvers<void>();
    const holding = inLock(
      db,
      "a lock",
      async (lost) => {
        held.resolve();
        if (!lost.aborted) await once(lost, "abort");
        lost.throwIfAborted();
      },
      10,
    );
    const told = expect(translateStoreErrors("store", () => holding)).rejects.toMatchObject({
      code: "store_unavailable",
    });
    await held.promise;
    expect(await inLock(other, "a lock", async () => "alone")).toBe("held");
    const [row] = await selectRows(other, "SELECT IS_USED_LOCK(CONCAT('a lock_', LEFT(MD5(DATABASE()), 16))) AS id");
    await other.raw(`KILL ${row?.id}`);
    await told;
    expect(await inLock(other, "a lock", async () => "alone")).toEqual({ result: "alone" });
  });

  test("connections that only read: each transaction sees one moment, and the next a later one", async () => {
    const connection = await mariadb.createDatabase();
    const db = connect(connection);
    const reader = connect({ ...connection, pool: { min: 0, max: 1 }, readOnly: true });
    await db.raw("CREATE TABLE t (a int)");
    const read = async (from: Knex) => (await selectRows(from, "SELECT a FROM t ORDER BY a")).map(({ a }) => a);
    await reader.transaction(async (moment) => {
      expect(await read(moment)).toEqual([]);
      await db.raw("INSERT INTO t VALUES (1)");
      expect(await read(moment)).toEqual([]);
    });
    expect(await read(reader)).toEqual([1]);
    await db.raw("INSERT INTO t VALUES (2)");
    expect(await read(reader)).toEqual([1, 2]);
    const failing = reader.transaction(async (moment) => {
      await read(moment);
      await moment.raw("SELECT * FROM missing");
    });
    await expect(failing).rejects.toMatchObject({ errno: 1146 });
    await db.raw("INSERT INTO t VALUES (3)");
    expect(await reader.transaction(read)).toEqual([1, 2, 3]);
    // A transaction that stayed open would keep the table.
    await db.raw("DROP TABLE t");
  });

  test("a number too large or a text too long is refused, not cut to fit", async () => {
    const db = connect(await mariadb.createDatabase());
    await db.raw("CREATE TABLE t (a int, b varchar(3))");
    for (const values of ["(99999999999, 'x')", "(1, 'long')", "(1, NULL), (NULL, 'long')"]) {
      const write = translateStoreErrors("store", () => db.raw(`INSERT INTO t VALUES ${values}`));
      await expect(write).rejects.toMatchObject({ code: "poison_event" });
    }
    expect(await selectRows(db, "SELECT * FROM t")).toEqual([]);
  });

  test("many rows are written alike whether the server allows LOAD DATA or not", async () => {
    const { database, ...server } = await mariadb.createDatabase();
    const db = connect({ ...server, database, pool: { min: 0, max: 1 } });
    const table: Table<{ a: number; b: string | null }> = {
      ...{ name: "t", columns: { a: "int", b: "name?" }, key: ["a"], indexes: [] },
    };
    await createTable(db, table);
    const rows = Array.from({ length: 500 }, (_, a) => ({ a, b: a % 3 === 0 ? null : `${a}\t\\\n` }));
    const write = async () => {
      await db.raw("DELETE FROM t");
      await db.transaction((trx) => insertRows(trx, table, "", rows));
      return selectRows(db, "SELECT a, b FROM t ORDER BY a");
    };
    expect(await write()).toEqual(rows);
    onTestFinished(() => db.raw("SET GLOBAL local_infile = 1"));
    await db.raw("SET GLOBAL local_infile = 0");
    const counted = async () => {
      const [row] = await selectRows(db, "SHOW SESSION STATUS LIKE 'Com_insert'");
      return Number(row?.Value);
    };
    const before = await counted();
    expect(await write()).toEqual(rows);
    expect(await counted()).toBeGreaterThan(before);
  });

  test("no server, a wrong password and an unknown database make the store unavailable", async () => {
    const connection = await mariadb.createDatabase();
    const faults = [{ port: await freePort() }, { password: "wrong" }, { database: "nowhere" }];
    for (const fault of faults) {
      const asked = translateStoreErrors("store", () => connect({ ...connection, ...fault }).raw("SELECT 1"));
      await expect(asked, JSON.stringify(fault)).rejects.toMatchObject({ code: "store_unavailable" });
    }
  });
});

describe.skipIf(source.kind !== "local")("MariaDB's TLS, on a server started here", () => {
  test("a certificate of another host, of an unknown authority, or none at all is refused", async () => {
    if (source.kind !== "local") throw new Error("skipped otherwise");
    const { engine, connection } = await startMariadbProcess(source.local, "elsewhere.invalid");
    onTestFinished(() => engine.stop());
    const ask = (tls: MysqlConnection["tls"]) =>
      translateStoreErrors("store", () => connect({ ...connection, database: "mysql", tls }).raw("SELECT 1"));
    await expect(ask(connection.tls)).rejects.toMatchObject({
      code: "store_unavailable",
      cause: { message: /altnames|localhost/ },
    });
    await expect(ask({})).rejects.toMatchObject({ code: "store_unavailable" });
    await expect(ask(null)).rejects.toMatchObject({ code: "store_unavailable" });
  });
});
