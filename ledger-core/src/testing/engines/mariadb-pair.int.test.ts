import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { connectMysql } from "../../adapters/mysql/mysql.ts";
import { selectRows } from "../../sql/rows.ts";
import { findMariadb } from "./mariadb.ts";
import { type MariadbNode, type MariadbPair, type PairUser, startMariadbPair } from "./mariadb-pair.ts";

const source = await findMariadb();

describe.skipIf(source.kind !== "local")("a pair of MariaDB", () => {
  let pair: MariadbPair;
  beforeAll(async () => {
    if (source.kind !== "local") throw new Error("skipped otherwise");
    pair = await startMariadbPair(source.local);
  });
  afterAll(() => pair.stop());

  function connect(node: MariadbNode, user: PairUser, database: string) {
    const db = connectMysql({ ...node.as(user), database });
    onTestFinished(() => db.destroy());
    return db;
  }
  const only = () => {
    const [replica] = pair.replicas();
    if (!replica) throw new RangeError("the pair has a replica");
    return replica;
  };

  test("a replica lags on demand and catches up; only the writer writes, and only on the primary", async () => {
    const [primary, replica, database] = [pair.primary(), only(), await pair.createDatabase()];
    const writer = connect(primary, "writer", database);
    const reader = connect(replica, "reader", database);
    await writer.raw("CREATE TABLE t (a int PRIMARY KEY)");
    await replica.caughtUp(primary);
    await replica.stopApplying();
    await writer.raw("INSERT INTO t VALUES (1)");
    expect(await selectRows(reader, "SELECT a FROM t")).toEqual([]);
    await replica.startApplying();
    await replica.caughtUp(primary);
    expect(await selectRows(reader, "SELECT a FROM t")).toEqual([{ a: 1 }]);
    await replica.delay(3600);
    await writer.raw("INSERT INTO t VALUES (2)");
    expect(await selectRows(reader, "SELECT a FROM t")).toEqual([{ a: 1 }]);
    await replica.delay(0);
    await replica.caughtUp(primary);
    expect(await selectRows(reader, "SELECT a FROM t")).toHaveLength(2);
    const insert = "INSERT INTO t VALUES (3)";
    await expect(connect(replica, "writer", database).raw(insert)).rejects.toMatchObject({ errno: 1290 });
    await expect(connect(primary, "reader", database).raw(insert)).rejects.toMatchObject({ errno: 1142 });
  });

  test("a replica is promoted after the primary's death, another joins, and the former primary follows", async () => {
    const database = await pair.createDatabase();
    const [former, next] = [pair.primary(), only()];
    await connect(former, "writer", database).raw("CREATE TABLE t (a int PRIMARY KEY)");
    await next.caughtUp(former);
    await former.kill();
    await pair.promote(next);
    await connect(next, "writer", database).raw("INSERT INTO t VALUES (1)");
    const joined = await pair.addReplica();
    await pair.restart(former);
    for (const replica of [joined, former]) {
      await replica.caughtUp(next);
      expect(await selectRows(connect(replica, "reader", database), "SELECT a FROM t")).toEqual([{ a: 1 }]);
    }
    await expect(connect(former, "writer", database).raw("INSERT INTO t VALUES (2)")).rejects.toMatchObject({
      errno: 1290,
    });
  });
});
