import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { makeClosers, optionalSecret, optionalText, readSettings } from "ledger-core/process";
import { connectMysql } from "ledger-core/sql";
import type { MariadbSource } from "ledger-core/testing/engines";
import { makeCertificates } from "ledger-core/testing/engines/certificates";
import { freePort, startChildEngine } from "ledger-core/testing/engines/child";
import { startCosmosProxy } from "ledger-core/testing/engines/cosmos";
import { type GremlinSource, startGremlin } from "ledger-core/testing/engines/gremlin";
import { type KafkaSource, startKafka } from "ledger-core/testing/engines/kafka";
import { type Link, openLink } from "ledger-core/testing/engines/link";
import { type MariadbNode, type MysqlServer, startMariadbPair } from "ledger-core/testing/engines/mariadb-pair";
import { type RedisAccess, type RedisNode, type RedisSource, startRedis } from "ledger-core/testing/engines/redis";
import { migrateServerModels } from "projection-workers";

const standIn = resolve(import.meta.dirname, "../../../ledger-core/src/testing/eventstoredb-server/main.ts");

/** A running engine, and the settings with which services connect to it. */
export type UsedEngine = {
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Undefined for an engine that is not ours to disturb. */
  readonly faults?: EngineFaults;
  stop(): Promise<void>;
};

/** Faults for tests to cause. */
export type EngineFaults = {
  /** The link between the services and the engine. */
  readonly link: Link;
  kill(): Promise<void>;
  /** Restarts it on its store after a kill. */
  start(): Promise<void>;
  /** Faults of this engine only. */
  readonly others?: readonly OtherFault[];
};

/** `end` mends it. */
type OtherFault = { readonly kind: string; begin(): Promise<unknown>; end(): Promise<unknown> };

/** The event log: the server at EVENTSTOREDB_URL, or our stand-in on a file in the data folder. */
export async function openLogServer(dataDir: string): Promise<UsedEngine> {
  const given = readSettings({
    EVENTSTOREDB_URL: optionalText(),
    EVENT_LOG_USERNAME: optionalText(),
    EVENT_LOG_PASSWORD: optionalSecret({ lengthMin: 1 }),
    EVENT_LOG_CA: optionalText(),
  });
  if (given.EVENTSTOREDB_URL !== undefined) {
    const { EVENT_LOG_USERNAME: user, EVENT_LOG_PASSWORD: password, EVENT_LOG_CA: ca } = given;
    const environment = {
      EVENT_LOG: given.EVENTSTOREDB_URL,
      ...(user !== undefined && password && { EVENT_LOG_USERNAME: user, EVENT_LOG_PASSWORD: password.reveal() }),
      ...(ca !== undefined && { EVENT_LOG_CA: ca }),
    };
    return { name: "EventStoreDB of EVENTSTOREDB_URL", environment, stop: async () => undefined };
  }
  const port = await freePort();
  const link = await openLink(() => port);
  const folder = mkdtempSync(join(tmpdir(), "ledger-log-server-"));
  const args = [standIn, "--data", join(dataDir, "log-server.sqlite"), "--port", String(port)];
  const start = () =>
    startChildEngine({ command: process.execPath, args, folder, ready: /"listening"/, readyMs: 60_000 });
  let server = await start();
  return {
    name: "a stand-in for EventStoreDB, for tests and demonstrations only",
    environment: { EVENT_LOG: `esdb://127.0.0.1:${link.port}?tls=false` },
    faults: {
      link,
      kill: () => server.kill(),
      async start() {
        server = await start();
      },
    },
    async stop() {
      await server.stop();
      await link.close();
    },
  };
}

/** Read models: what writes them, and what reads them. */
export type ReadModelEngine = Pick<UsedEngine, "name" | "stop"> & {
  /** By the names of the servers. */
  readonly faults: Readonly<Record<string, EngineFaults>>;
  readonly writing: UsedEngine["environment"];
  readonly reading: UsedEngine["environment"];
};

function modelsInFiles(why: string): ReadModelEngine {
  const none = { faults: {}, writing: {}, reading: {} };
  return { name: `read models in files: ${why}`, ...none, stop: async () => undefined };
}

/** Read models on a MariaDB primary, read from its replica by a user who cannot write; in files if there is none. */
export async function openReadModels(source: MariadbSource): Promise<ReadModelEngine> {
  if (source.kind !== "local") {
    const why = source.kind === "none" ? source.reason : "a pair of MariaDB needs its programs on this machine";
    return modelsInFiles(why);
  }
  const pair = await startMariadbPair(source.local);
  try {
    const database = await pair.createDatabase();
    const [replica] = pair.replicas();
    if (!replica) throw new RangeError("the pair has a replica");
    const primary = pair.primary();
    const [writer, reader] = [primary.as("writer"), replica.as("reader")];
    const db = connectMysql({ ...writer, database });
    await migrateServerModels(db).finally(() => db.destroy());
    const links = await Promise.all([writer, reader].map(({ port }) => openLink(() => port)));
    const [toPrimary, toReplica] = links;
    if (!toPrimary || !toReplica) throw new RangeError("there are two links");
    const faultsOf = (node: MariadbNode, link: Link) => ({ link, kill: node.kill, start: () => pair.restart(node) });
    return {
      name: "MariaDB, a primary for projections and a replica for queries, TLS",
      faults: { primary: faultsOf(primary, toPrimary), replica: faultsOf(replica, toReplica) },
      writing: readModelSettings("READ_MODEL", { ...writer, port: toPrimary.port }, database),
      reading: readModelSettings("READ_MODEL_REPLICA", { ...reader, port: toReplica.port }, database),
      async stop() {
        await pair.stop();
        for (const link of links) await link.close();
      },
    };
  } catch (error) {
    await pair.stop();
    throw error;
  }
}

function readModelSettings(name: string, { host, port, user, password, tls }: MysqlServer, database: string) {
  return {
    [name]: `mysql://${host}:${port}/${database}`,
    [`${name}_USERNAME`]: user,
    [`${name}_PASSWORD`]: password,
    ...(tls?.ca !== undefined && { [`${name}_CA`]: tls.ca }),
  };
}

function graphInFile(why: string): UsedEngine {
  return { name: `the graph in a file: ${why}`, environment: {}, stop: async () => undefined };
}

/** A Gremlin Server that behaves like Cosmos DB: encrypted, with its login; a file if there is none. */
export async function openGraph(source: GremlinSource): Promise<UsedEngine> {
  if (source.kind === "none") return graphInFile(source.reason);
  const closers = makeClosers();
  try {
    const server = await startGremlin(source);
    closers.push(server.stop);
    const folder = mkdtempSync(join(tmpdir(), "ledger-graph-"));
    closers.push(async () => rmSync(folder, { recursive: true }));
    const { ca, files } = await makeCertificates(folder);
    const [database, name, key] = ["ledger", "payments", randomUUID()];
    const proxy = await startCosmosProxy({
      upstream: () => server.port,
      login: { username: `/dbs/${database}/colls/${name}`, key },
      tls: { key: readFileSync(files.key, "utf8"), cert: readFileSync(files.certificate, "utf8") },
    });
    closers.push(proxy.close);
    return {
      name: "Gremlin Server, with Cosmos DB's login, TLS",
      environment: {
        GRAPH: `gremlin://${proxy.host}:${proxy.port}`,
        GRAPH_CA: ca,
        ...{ GRAPH_DATABASE: database, GRAPH_NAME: name, GRAPH_KEY: key },
      },
      ...(server.faults && { faults: server.faults }),
      stop: closers.close,
    };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

/** A Kafka broker that behaves like Event Hubs: encrypted, with the user $ConnectionString. */
export async function openBroker(source: KafkaSource): Promise<UsedEngine> {
  if (source.kind === "none") return { name: source.reason, environment: {}, stop: async () => undefined };
  const broker = await startKafka(source);
  const { brokers, tls, sasl } = broker.secure ?? broker.plain;
  const { BROKER_CLIENT: client } = readSettings({ BROKER_CLIENT: optionalText() });
  return {
    name: broker.secure ? "Kafka, SASL_SSL, user $ConnectionString" : "Kafka of KAFKA_URL",
    environment: {
      BROKER: `kafka://${brokers.join(",")}`,
      BROKER_TOPIC: await broker.createTopic(),
      BROKER_TLS: String(tls !== undefined),
      ...(tls?.ca !== undefined && { BROKER_CA: tls.ca }),
      ...(client !== undefined && { BROKER_CLIENT: client }),
      ...(sasl && { BROKER_USERNAME: sasl.username, BROKER_PASSWORD: sasl.password.reveal() }),
    },
    ...(broker.faults && { faults: { ...broker.faults, link: broker.faults.secureLink } }),
    stop: () => broker.stop(),
  };
}

/** A Redis, in which services share more than session views. */
export type RedisEngine = UsedEngine & {
  /** The settings of services that share revoked tokens and quotas in it. */
  readonly limits: UsedEngine["environment"];
};

/** A Redis for session views, revoked tokens and quotas: encrypted, with a user that may not administer it. */
export async function openRedis(source: RedisSource): Promise<RedisEngine> {
  if (source.kind === "none") return { name: source.reason, environment: {}, limits: {}, stop: async () => undefined };
  const redis = await startRedis(source);
  const [node] = redis.nodes;
  return {
    name: node ? "Redis, TLS, a user without administrative rights" : "Redis of REDIS_URL",
    environment: redisSettings("SESSIONS", redis.access),
    limits: redisSettings("LIMITS", redis.access),
    ...(node && { faults: redisFaults(node) }),
    stop: () => redis.stop(),
  };
}

function redisSettings(name: string, { nodes, credentials, tls }: RedisAccess): UsedEngine["environment"] {
  return {
    [name]: `redis://${nodes.join(",")}`,
    [`${name}_TLS`]: String(tls !== undefined),
    ...(tls?.ca !== undefined && { [`${name}_CA`]: tls.ca }),
    ...(credentials && {
      [`${name}_USERNAME`]: credentials.username,
      [`${name}_PASSWORD`]: credentials.password.reveal(),
    }),
  };
}

function redisFaults(node: RedisNode): EngineFaults {
  const { link, kill, start, snapshot, command } = node;
  const restart = async () => {
    await kill();
    await start();
  };
  return {
    ...{ link, kill, start },
    others: [
      { kind: "flushed", begin: () => command("FLUSHALL"), end: async () => undefined },
      { kind: "set back to what it held before", begin: snapshot, end: restart },
    ],
  };
}
