import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { openEventLogReader } from "ledger-core/engines";
import type { EventSource } from "ledger-core/event-log";
import { openMirrorTarget } from "ledger-core/kafka";
import { createLogger } from "ledger-core/process";
import { dataPaths } from "ledger-core/process/data-paths";
import { connectMysql } from "ledger-core/sql";
import { findMariadb } from "ledger-core/testing/engines";
import { findKafka, type KafkaBroker, startKafka } from "ledger-core/testing/engines/kafka";
import { type MariadbPair, startMariadbPair } from "ledger-core/testing/engines/mariadb-pair";
import { migrateModels, modelsProjection, modelsTarget, runProjection, startMirror } from "projection-workers";

/** A file that says where the engines are and how to log in; the tests of the jobs read it. */
export type JobEngines = { readonly file: string; stop(): Promise<void> };

const logger = createLogger({ name: "engines", level: "warn" });

/**
 * Starts a Kafka with the events of a data folder in its topic, between records of others, and a MariaDB whose replica
 * has their read models.
 */
export async function startEngines(data: string, folder: string): Promise<JobEngines> {
  const mariadb = await findMariadb();
  if (mariadb.kind !== "local") throw new Error("the jobs' tests need MariaDB on this machine: run `npm run engines`");
  const log = await openEventLogReader({ kind: "sqlite", file: dataPaths(data).events });
  const broker = await startKafka(await findKafka());
  const stops = [() => broker.stop(), async () => log.close()];
  const stop = async () => void (await Promise.all(stops.map((one) => one())));
  try {
    const kafka = await fillTopic(log, broker, folder);
    const pair = await startMariadbPair(mariadb.local);
    stops.push(pair.stop);
    const mysql = await fillReplica(log, pair, folder);
    const file = join(folder, "engines.json");
    await writeFile(file, JSON.stringify({ kafka, mysql }), { mode: 0o600 });
    return { file, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function fillTopic(log: EventSource, broker: KafkaBroker, folder: string) {
  const { secure } = broker;
  if (!secure?.sasl || secure.tls?.ca === undefined)
    throw new Error("the jobs' tests need a Kafka of their own: unset KAFKA_URL");
  const topic = await broker.createTopic();
  await broker.send(topic, 0, [{ value: "hello" }]);
  const target = openMirrorTarget({ ...secure, topic }, { logger });
  const mirror = startMirror({ log, target, shards: 1, logger });
  const head = await log.head(0);
  for (;;) {
    const [status] = mirror.statuses();
    if (status?.revision === head) break;
    if (status?.state === "halted") throw new Error(`the mirror halted: ${status.reason}`);
    await delay(20);
  }
  await mirror.stop();
  await broker.send(topic, 0, [{ value: "goodbye", headers: { type: "PaymentCharged", shard: "0", revision: "0" } }]);
  const authority = join(folder, "kafka.pem");
  await writeFile(authority, secure.tls.ca);
  return { brokers: secure.brokers.join(), topic, connection: secure.sasl.password.reveal(), authority };
}

async function fillReplica(log: EventSource, pair: MariadbPair, folder: string) {
  const database = await pair.createDatabase();
  const primary = pair.primary();
  const db = connectMysql({ ...primary.as("writer"), database });
  try {
    await migrateModels(db);
    const abort = new AbortController();
    const head = await log.head(0);
    const onProgress = (_: string, _shard: number, revision: number) => {
      if (revision === head) abort.abort();
    };
    const common = { log, shard: 0, logger, signal: abort.signal, onProgress };
    await runProjection({ ...common, projection: modelsProjection, target: modelsTarget(db) }).finished;
  } finally {
    await db.destroy();
  }
  const [replica] = pair.replicas();
  if (!replica) throw new RangeError("the pair has a replica");
  await replica.caughtUp(primary);
  const { port, user, password, tls } = replica.as("reader");
  const trust = await trustStore(folder, tls?.ca ?? "");
  const parameters = { sslMode: "VERIFY_IDENTITY", trustCertificateKeyStoreUrl: `file:${trust.file}` };
  const store = { trustCertificateKeyStoreType: "PKCS12", trustCertificateKeyStorePassword: trust.password };
  const query = new URLSearchParams({ ...parameters, ...store });
  return { url: `jdbc:mysql://localhost:${port}/${database}?${query}`, user, password };
}

/** A certificate in the form that Java's driver reads. */
async function trustStore(folder: string, ca: string): Promise<{ readonly file: string; readonly password: string }> {
  const [pem, file, password] = [join(folder, "mariadb.pem"), join(folder, "mariadb.p12"), "not-a-secret"];
  await writeFile(pem, ca);
  const into = ["-keystore", file, "-storetype", "PKCS12", "-storepass", password];
  await promisify(execFile)("keytool", ["-importcert", "-noprompt", "-alias", "mariadb", "-file", pem, ...into]);
  return { file, password };
}
