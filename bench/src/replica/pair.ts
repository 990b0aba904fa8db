import type { MysqlTarget } from "ledger-core/process";
import { connectMysql, type MysqlConnection, selectRows } from "ledger-core/sql";
import { findMariadb } from "ledger-core/testing/engines";
import { type MariadbPair, type PairUser, startMariadbPair } from "ledger-core/testing/engines/mariadb-pair";

/** A primary and its replica for one measurement, each with memory and redo log enough for it, over TLS. */
export type BenchPair = {
  readonly pair: MariadbPair;
  createDatabase(): Promise<string>;
  onPrimary(user: PairUser, database: string): MysqlConnection;
  onReplica(user: PairUser, database: string): MysqlConnection;
  stop(): Promise<void>;
};

const SETTINGS = { innodb_buffer_pool_size: 1024 * 2 ** 20, innodb_log_file_size: 512 * 2 ** 20 };

/** @returns the reason, if this machine has no programs of MariaDB */
export async function startBenchPair(): Promise<BenchPair | { readonly absent: string }> {
  const source = await findMariadb();
  if (source.kind !== "local")
    return { absent: source.kind === "none" ? source.reason : "a pair needs local programs" };
  const pair = await startMariadbPair(source.local, 1);
  const [replica] = pair.replicas();
  if (!replica) throw new Error("the pair has a replica");
  for (const node of [pair.primary(), replica])
    for (const [name, value] of Object.entries(SETTINGS)) await node.sql(`SET GLOBAL ${name} = ${value}`);
  return {
    pair,
    createDatabase: pair.createDatabase,
    onPrimary: (user, database) => ({ ...pair.primary().as(user), database }),
    onReplica: (user, database) => ({ ...replica.as(user), database }),
    stop: pair.stop,
  };
}

/** The same server for a service, which takes its address from settings. */
export function targetOf({ host, port, database, user, password, tls }: MysqlConnection): MysqlTarget {
  const credentials = { username: user, password: { reveal: () => password } };
  return { kind: "mysql", host, port, database, credentials, ...(tls && { tls }) };
}

/** From the commit of one row on the primary until a SELECT on the replica shows it, in ms, the shortest first. */
export async function replicationFloor(on: BenchPair, rounds: number): Promise<readonly number[]> {
  const database = await on.createDatabase();
  const [primary, replica] = [
    connectMysql(on.onPrimary("writer", database)),
    connectMysql(on.onReplica("reader", database)),
  ];
  try {
    await primary.raw("CREATE TABLE one (n int PRIMARY KEY, revision bigint NOT NULL)");
    await primary.raw("INSERT INTO one VALUES (1, 0)");
    const shown = async () => Number((await selectRows(replica, "SELECT revision FROM one"))[0]?.revision ?? 0);
    const [node] = on.pair.replicas();
    await node?.caughtUp(on.pair.primary());
    const times: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      await primary.raw("UPDATE one SET revision = ?", [round]);
      const committedMs = performance.now();
      while ((await shown()) < round);
      times.push(performance.now() - committedMs);
    }
    return times.sort((one, other) => one - other);
  } finally {
    await primary.destroy();
    await replica.destroy();
  }
}
