import { randomUUID } from "node:crypto";
import { type Admin, Kafka, logLevel } from "kafkajs";
import type { Logger } from "../../../process/log.ts";
import type { KafkaClient, RecordSender } from "../client.ts";
import type { KafkaConnection, KafkaTuning } from "../connection.ts";
import { faultOf } from "./errors.ts";
import { mendIdleTimers } from "./idle-timers.ts";
import { openPartitionReader } from "./partition-reader.ts";

/** kafkajs exports the enum, but Node cannot import it by name. */
const TOPIC = 2;

export function openKafkajs(connection: KafkaConnection, tuning: Required<KafkaTuning>, logger: Logger): KafkaClient {
  const client = makeClient(connection, tuning, logger);
  const { topic } = connection;

  async function asAdmin<T>(ask: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = client.admin();
    try {
      await admin.connect();
      return await ask(admin);
    } finally {
      await admin.disconnect();
    }
  }

  // kafkajs reads only as a member of a group, so a reader of every partition joins one of its own.
  const openReader = (group = `payledger-${randomUUID()}`) => openPartitionReader({ client, topic, group, tuning });

  return {
    faultOf,
    openReader,
    openRangeReader: () => openReader(`payledger-mirror-${randomUUID()}`),
    openSender: (shard) => openSender(client, topic, shard),
    describeTopic: () =>
      asAdmin(async (admin) => {
        if (!(await admin.listTopics()).includes(topic)) return undefined;
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
        const partitions = topics[0]?.partitions.length;
        return partitions === undefined ? undefined : { partitions, config: await configOf(admin, topic) };
      }),
    boundsOf: (shard) =>
      asAdmin(async (admin) => {
        const bounds = (await admin.fetchTopicOffsets(topic)).find(({ partition }) => partition === shard);
        return bounds && { low: Number(bounds.low), high: Number(bounds.high) };
      }),
  };
}

/** Logs one level lower than kafkajs, which calls faults errors that its retries fix. */
function makeClient(
  { brokers, tls, sasl }: KafkaConnection,
  { requestTimeoutMs, connectionTimeoutMs, clientPauseMs, clientRetries }: Required<KafkaTuning>,
  logger: Logger,
): Kafka {
  mendIdleTimers();
  return new Kafka({
    clientId: "payledger",
    brokers: [...brokers],
    requestTimeout: requestTimeoutMs,
    connectionTimeout: connectionTimeoutMs,
    authenticationTimeout: connectionTimeoutMs,
    // On the client, not the producer: reconnecting uses the client's setting.
    retry: { retries: clientRetries, initialRetryTime: clientPauseMs, maxRetryTime: 10 * clientPauseMs },
    ...(tls && { ssl: tls.ca === undefined ? true : { ca: tls.ca } }),
    ...(sasl && { sasl: { mechanism: "plain", username: sasl.username, password: sasl.password.reveal() } }),
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => {
      const { namespace, log } = entry;
      const about = { kafkajs: namespace };
      if (entry.level === logLevel.ERROR) logger.info(about, log.message);
      else logger.debug(about, log.message);
    },
  });
}

async function configOf(admin: Admin, topic: string): Promise<ReadonlyMap<string, string>> {
  const resources = [{ type: TOPIC, name: topic }];
  const answer = await admin.describeConfigs({ resources, includeSynonyms: false }).catch(() => undefined);
  const entries = answer?.resources[0]?.configEntries ?? [];
  return new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
}

async function openSender(client: Kafka, topic: string, partition: number): Promise<RecordSender> {
  const producer = client.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    metadataMaxAge: 180_000,
  });
  try {
    await producer.connect();
  } catch (error) {
    await producer.disconnect();
    throw error;
  }
  return {
    async send(records) {
      const messages = records.map((record) => ({ ...record, partition }));
      const [reply] = await producer.send({ topic, acks: -1, messages });
      return reply?.baseOffset === undefined ? undefined : Number(reply.baseOffset);
    },
    close: () => producer.disconnect(),
  };
}
