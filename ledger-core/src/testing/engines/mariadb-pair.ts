import { rm } from "node:fs/promises";
import { connectMysql } from "../../adapters/mysql/mysql.ts";
import { selectRows } from "../../sql/rows.ts";
import type { ChildEngine } from "./child-engine.ts";
import {
  type MariadbBinaries,
  type MysqlServer,
  type PreparedMariadb,
  prepareMariadb,
  runMariadb,
  serverOf,
} from "./mariadb-process.ts";

export type { MysqlServer } from "./mariadb-process.ts";

/** A primary and its replicas, which follow it by GTID over TLS and refuse to write. */
export type MariadbPair = {
  primary(): MariadbNode;
  replicas(): readonly MariadbNode[];
  /** Creates an empty database and returns its name, once every replica has it. */
  createDatabase(): Promise<string>;
  /** Starts one more replica, which first applies all that the primary has ever written. */
  addReplica(): Promise<MariadbNode>;
  /** Makes a replica the primary, which the others follow from then on; the former primary refuses to write. */
  promote(replica: MariadbNode): Promise<void>;
  /** Starts a killed server; it follows the primary, unless it is the primary. */
  restart(node: MariadbNode): Promise<void>;
  stop(): Promise<void>;
};

/** One server of a pair. */
export type MariadbNode = {
  /**
   * `writer` may do anything in databases made here, and cannot write where `read_only` is on; `reader` may only
   * read; `admin` may do everything anywhere.
   */
  as(user: PairUser): MysqlServer;
  /** Runs statements as admin; returns the rows of the last. */
  sql(...statements: readonly string[]): Promise<readonly Record<string, unknown>[]>;
  /** As a replica: receives what the primary writes and does not apply it. */
  stopApplying(): Promise<void>;
  startApplying(): Promise<void>;
  /** As a replica: applies everything so many seconds late; 0: at once. */
  delay(seconds: number): Promise<void>;
  /** Waits until it has applied what the primary has written by now. @throws if it does not within a minute */
  caughtUp(primary: MariadbNode): Promise<void>;
  /** Kills its process and keeps its data. */
  kill(): Promise<void>;
};

export type PairUser = "admin" | "writer" | "reader";

const users = {
  writer: { user: "ledger_writer", password: "writes-for-tests" },
  reader: { user: "ledger_reader", password: "reads-for-tests" },
  replica: { user: "ledger_replica", password: "follows-for-tests" },
} as const;

const DATABASES = "`payledger\\_%`.*";

const statements = [
  ...Object.values(users).map(
    ({ user, password }) => `CREATE USER IF NOT EXISTS '${user}'@'127.0.0.1' IDENTIFIED BY '${password}' REQUIRE SSL;`,
  ),
  `GRANT ALL ON ${DATABASES} TO '${users.writer.user}'@'127.0.0.1';`,
  `GRANT SELECT, SHOW VIEW ON ${DATABASES} TO '${users.reader.user}'@'127.0.0.1';`,
  `GRANT REPLICATION SLAVE ON *.* TO '${users.replica.user}'@'127.0.0.1';`,
];

const common = [
  "log-bin=binlog",
  "relay-log=relay",
  "binlog-format=ROW",
  "gtid-strict-mode=ON",
  "log-slave-updates=ON",
];

function settingsOf(serverId: number): readonly string[] {
  const role = serverId === 1 ? [] : ["read-only=ON"];
  return [...common, `server-id=${serverId}`, "sync-binlog=1", ...role];
}

/** Starts a primary and replicas, each with a folder and a port of its own, and waits until they follow it. */
export async function startMariadbPair(binaries: MariadbBinaries, replicas = 1): Promise<MariadbPair> {
  const prepared = [await prepareMariadb(binaries, { settings: settingsOf(1), statements })];
  for (let id = 2; id <= replicas + 1; id++) {
    const [copyOf] = prepared;
    prepared.push(await prepareMariadb(binaries, { ...(copyOf && { copyOf }), settings: settingsOf(id), statements }));
  }
  const all = await Promise.all(prepared.map((one) => startNode(binaries, one)));
  const stop = async () => void (await Promise.all(all.map((node) => node.stop())));
  const find = (wanted: MariadbNode | undefined) => {
    const node = all.find((one) => one === wanted);
    if (!node) throw new RangeError("this server is not one of the pair");
    return node;
  };
  let primary = find(all[0]);
  const others = () => all.filter((node) => node !== primary);
  try {
    for (const node of others()) await node.follow(primary);
  } catch (error) {
    await stop();
    throw error;
  }
  let databases = 0;
  return {
    primary: () => primary,
    replicas: others,
    async createDatabase() {
      const database = `payledger_test_${process.pid}_${Date.now()}_${databases++}`;
      await primary.sql(`CREATE DATABASE \`${database}\``);
      await Promise.all(others().map((node) => node.caughtUp(primary)));
      return database;
    },
    async addReplica() {
      const node = await startNode(
        binaries,
        await prepareMariadb(binaries, { settings: settingsOf(all.length + 1), statements }),
      );
      all.push(node);
      await node.follow(primary);
      return node;
    },
    async promote(replica) {
      const former = primary;
      primary = find(replica);
      await primary.sql("STOP REPLICA", "RESET REPLICA ALL", "SET GLOBAL read_only = 0");
      if (former.runs()) await former.sql("SET GLOBAL read_only = 1");
      for (const node of others()) if (node !== former) await node.follow(primary);
    },
    async restart(killed) {
      const node = find(killed);
      await node.start();
      if (node === primary) await node.sql("SET GLOBAL read_only = 0");
      else await node.follow(primary);
    },
    stop,
  };
}

type StartedNode = MariadbNode & {
  runs(): boolean;
  start(): Promise<void>;
  follow(primary: StartedNode): Promise<void>;
  /** The folder with its certificates. */
  readonly prepared: PreparedMariadb;
  stop(): Promise<void>;
};

async function startNode(binaries: MariadbBinaries, prepared: PreparedMariadb): Promise<StartedNode> {
  let engine: ChildEngine | undefined = await runMariadb(binaries, prepared);
  const as = (user: PairUser) => (user === "admin" ? serverOf(prepared) : serverOf(prepared, users[user]));
  const sql: MariadbNode["sql"] = async (...texts) => {
    const db = connectMysql({ ...as("admin"), database: "mysql", pool: { min: 0, max: 1 } });
    try {
      let rows: readonly Record<string, unknown>[] = [];
      for (const text of texts) rows = await selectRows(db, text);
      return rows;
    } finally {
      await db.destroy();
    }
  };
  return {
    prepared,
    as,
    sql,
    stopApplying: async () => void (await sql("STOP REPLICA SQL_THREAD")),
    startApplying: async () => void (await sql("START REPLICA SQL_THREAD")),
    delay: async (seconds) =>
      void (await sql("STOP REPLICA", `CHANGE MASTER TO MASTER_DELAY = ${seconds}`, "START REPLICA")),
    async caughtUp(primary) {
      const [row] = await primary.sql("SELECT @@gtid_binlog_pos AS written");
      const [waited] = await sql(`SELECT MASTER_GTID_WAIT('${row?.written}', ${CATCH_UP_SECONDS}) AS outcome`);
      if (Number(waited?.outcome) !== 0) throw new Error(`a replica has not caught up within ${CATCH_UP_SECONDS} s`);
    },
    async follow(primary) {
      const { user, password } = users.replica;
      const { folder, port } = primary.prepared;
      await sql(
        "SET GLOBAL read_only = 1",
        "STOP REPLICA",
        "SET GLOBAL gtid_slave_pos = @@gtid_binlog_pos",
        `CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = ${port}, MASTER_USER = '${user}',
          MASTER_PASSWORD = '${password}', MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1, MASTER_SSL = 1,
          MASTER_SSL_CA = '${folder}/ca.pem', MASTER_SSL_VERIFY_SERVER_CERT = 1`,
        "START REPLICA",
      );
    },
    runs: () => engine !== undefined,
    async start() {
      engine ??= await runMariadb(binaries, prepared);
    },
    async kill() {
      await engine?.kill();
      engine = undefined;
    },
    async stop() {
      if (engine) await engine.stop();
      else await rm(prepared.folder, { recursive: true });
    },
  };
}

const CATCH_UP_SECONDS = 60;
