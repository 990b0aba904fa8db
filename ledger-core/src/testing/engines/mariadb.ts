import { readFile } from "node:fs/promises";
import { connectMysql, type MysqlConnection } from "../../adapters/mysql/mysql.ts";
import { type EngineSource, findEngine, startEngine } from "./engine.ts";
import { type MariadbBinaries, mariadbKind, startMariadbProcess } from "./mariadb-process.ts";

export type MariadbSource = EngineSource<MariadbBinaries>;

/** A MariaDB for tests. */
export type Mariadb = {
  /** Creates an empty database and returns how to connect to it. */
  createDatabase(): Promise<MysqlConnection>;
  /** Drops the databases made here and stops the engine if it was started here. */
  stop(): Promise<void>;
};

/** Finds an engine. @throws in CI (CI=true) if there is none, so that nothing is skipped there */
export function findMariadb(): Promise<MariadbSource> {
  return findEngine(mariadbKind);
}

export async function startMariadb(source: MariadbSource): Promise<Mariadb> {
  return startEngine(source, {
    url: async (url) => serving(await connectionOf(url), async () => undefined),
    async local(binaries) {
      const { engine, connection } = await startMariadbProcess(binaries);
      return serving(connection, engine.stop);
    },
    container: startContainer,
  });
}

async function connectionOf(url: URL): Promise<Omit<MysqlConnection, "database">> {
  const ca = url.searchParams.get("ca");
  return {
    host: url.hostname,
    port: Number(url.port || 3306),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    tls: ca === null ? null : { ca: await readFile(ca, "utf8") },
  };
}

async function startContainer(): Promise<Mariadb> {
  const { GenericContainer, Wait } = await import("testcontainers");
  const password = "for-tests-only";
  const container = await new GenericContainer(mariadbKind.image)
    .withEnvironment({ MARIADB_ROOT_PASSWORD: password })
    .withExposedPorts(3306)
    // The image first starts a temporary server to initialize itself, then the real one.
    .withWaitStrategy(Wait.forLogMessage(/ready for connections/, 2))
    .start();
  const connection = {
    host: container.getHost(),
    port: container.getMappedPort(3306),
    user: "root",
    password,
    tls: null,
  };
  return serving(connection, async () => void (await container.stop()));
}

function serving(connection: Omit<MysqlConnection, "database">, stop: () => Promise<void>): Mariadb {
  const admin = connectMysql({ ...connection, database: "mysql" });
  const databases: string[] = [];
  return {
    async createDatabase() {
      const database = `payledger_test_${process.pid}_${Date.now()}_${databases.length}`;
      await admin.raw(`CREATE DATABASE \`${database}\``);
      databases.push(database);
      return { ...connection, database };
    },
    async stop() {
      for (const database of databases) await admin.raw(`DROP DATABASE IF EXISTS \`${database}\``);
      await admin.destroy();
      await stop();
    },
  };
}
