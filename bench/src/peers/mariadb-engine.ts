import { connectMysql, type MysqlConnection } from "ledger-core/sql";
import { findMariadb, startMariadb } from "ledger-core/testing/engines";

/** A MariaDB for a figure: a new database on it, and how to release it. */
export type BenchMariadb = { readonly connection: MysqlConnection; stop(): Promise<void> };

/**
 * Our own MariaDB gets what a server would have: memory and redo log enough for the run, and a loopback
 * without TLS. Durability stays whole: every commit is flushed. One that MARIADB_URL names is taken as it is.
 * @returns why there is none, when there is none
 */
export async function startBenchMariadb(): Promise<BenchMariadb | { readonly absent: string }> {
  const source = await findMariadb();
  if (source.kind === "none") return { absent: source.reason };
  const engine = await startMariadb(source);
  const given = await engine.createDatabase();
  return { connection: source.kind === "local" ? await tuned(given) : given, stop: engine.stop };
}

async function tuned(given: MysqlConnection): Promise<MysqlConnection> {
  const admin = connectMysql(given);
  const [user, password] = ["bench", "for-figures-only"];
  const settings = {
    innodb_buffer_pool_size: 1024 * 2 ** 20,
    innodb_log_file_size: 512 * 2 ** 20,
    max_connections: 200,
  };
  for (const [name, value] of Object.entries(settings)) await admin.raw(`SET GLOBAL ${name} = ${value}`);
  await admin.raw(`SET GLOBAL innodb_flush_log_at_trx_commit = 1`);
  await admin.raw(`CREATE USER '${user}'@'127.0.0.1' IDENTIFIED BY '${password}'`);
  await admin.raw(`GRANT ALL ON \`${given.database}\`.* TO '${user}'@'127.0.0.1'`);
  await admin.destroy();
  return { ...given, user, password, tls: null };
}
