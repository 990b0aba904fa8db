import { connectMysql, type MysqlConnection } from "ledger-core/sql";
import { findMariadb, startMariadb } from "ledger-core/testing/engines";

/** A MariaDB for one measurement: a new database, and how to release it. */
export type BenchMariadb = { readonly connection: MysqlConnection; stop(): Promise<void> };

/**
 * Our own MariaDB is set up as a server would be, with enough memory and redo log for the run, on a loopback without
 * TLS. Durability is full: every commit is flushed. One named by MARIADB_URL is used as it is.
 * @returns the reason, if there is none
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
