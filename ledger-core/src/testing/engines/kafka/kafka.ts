import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Admin, Kafka as Client, logLevel } from "kafkajs";
import { mendIdleTimers } from "../../../adapters/kafka/kafkajs/idle-timers.ts";
import { type EngineSource, findEngine, startEngine } from "../engine.ts";
import { type Link, openLink } from "../link.ts";
import { brokerSettings, makeKeys, prepareBroker, saslLogin } from "./broker.ts";
import { type KafkaPrograms, kafkaKind } from "./install.ts";

/** How a client connects to a broker. */
export type KafkaAccess = {
  readonly brokers: readonly string[];
  readonly tls?: { readonly ca?: string };
  readonly sasl?: { readonly username: string; readonly password: { reveal(): string } };
};

export type ForeignRecord = {
  readonly key?: string;
  readonly value: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
};

export type TopicOptions = { readonly partitions?: number; readonly config?: Readonly<Record<string, string>> };

/** A Kafka broker for tests. */
export type KafkaBroker = {
  readonly plain: KafkaAccess;
  /** SASL_SSL, as on Event Hubs. Undefined for a broker given by its URL. */
  readonly secure: KafkaAccess | undefined;
  /** Faults for tests to cause; undefined for a broker given by its URL, which we must not disturb. */
  readonly faults: BrokerFaults | undefined;
  /** Creates a topic with a unique name. */
  createTopic(options?: TopicOptions): Promise<string>;
  /** Creates a deleted topic again under the same name. */
  recreateTopic(topic: string, options?: TopicOptions): Promise<void>;
  deleteTopic(topic: string): Promise<void>;
  /** Removes the records before an offset, as retention would. */
  expire(topic: string, partition: number, offset: number): Promise<void>;
  /** The offset that a consumer group has committed for a partition; -1 if none. */
  committed(group: string, topic: string, partition: number): Promise<number>;
  /** Sends records that are not the ledger's. */
  send(topic: string, partition: number, records: readonly ForeignRecord[]): Promise<void>;
  /** Waits until the broker accepts consumer group members, which takes a moment after its start. */
  settled(): Promise<void>;
  stop(): Promise<void>;
};

export type BrokerFaults = {
  /** The links between plain and encrypted clients and the broker. */
  readonly link: Link;
  readonly secureLink: Link;
  kill(): Promise<void>;
  /** Restarts the broker on its store after a kill. */
  start(): Promise<void>;
};

export type KafkaSource = EngineSource<KafkaPrograms>;

/** Finds a broker. @throws in CI (CI=true) if there is none */
export function findKafka(): Promise<KafkaSource> {
  return findEngine(kafkaKind);
}

export async function startKafka(source: KafkaSource): Promise<KafkaBroker> {
  return startEngine(source, {
    url: async (url) => serving({ plain: { brokers: [url.host] }, stop: async () => undefined }),
    local: startLocal,
    container: startContainer,
  });
}

async function startLocal(programs: KafkaPrograms): Promise<KafkaBroker> {
  const links = await openLinks(() => ports);
  const { ca, ports, start } = await prepareBroker(programs, links.ports);
  let engine = await start();
  const broker = serving({
    ...accesses(links.ports, ca),
    faults: {
      link: links.plain,
      secureLink: links.secure,
      kill: () => engine.kill(),
      start: async () => {
        engine = await start();
      },
    },
    async stop() {
      await engine.stop();
      await links.close();
    },
  });
  await broker.settled();
  return broker;
}

/** The same broker in a container: settings and keys are copied in, and the image formats the store. */
async function startContainer(): Promise<KafkaBroker> {
  const { GenericContainer, Wait } = await import("testcontainers");
  const links = await openLinks(() => ({
    plain: container.getMappedPort(9092),
    secure: container.getMappedPort(9093),
  }));
  const folder = await mkdtemp(join(tmpdir(), "payledger-kafka-"));
  const { ca, keys } = await makeKeys(folder);
  const config = "/mnt/shared/config";
  const ports = { plain: 9092, secure: 9093, controller: 9094 };
  const settings = { host: "0.0.0.0", ports, advertised: links.ports, store: "/tmp/store", keys: `${config}/keys.pem` };
  const container = await new GenericContainer(kafkaKind.image)
    .withCopyContentToContainer([{ content: brokerSettings(settings), target: `${config}/server.properties` }])
    .withCopyFilesToContainer([{ source: keys, target: `${config}/keys.pem`, mode: 0o644 }])
    .withExposedPorts(ports.plain, ports.secure)
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .start();
  await rm(folder, { recursive: true });
  const broker = serving({
    ...accesses(links.ports, ca),
    faults: {
      link: links.plain,
      secureLink: links.secure,
      kill: async () => void (await container.stop({ timeout: 0, remove: false })),
      start: () => container.restart(),
    },
    async stop() {
      await container.stop();
      await links.close();
    },
  });
  await broker.settled();
  return broker;
}

/**
 * Kafka answers a creation before its brokers know the topic: for a moment they call it unknown, then name a leader
 * that does not yet know that it leads. kafkajs waits only until one is named.
 */
async function isServed(admin: Admin, topic: string): Promise<boolean> {
  try {
    // The leader of each partition answers this itself.
    await admin.fetchTopicOffsets(topic);
    return true;
  } catch (error) {
    // Node.js finds no names of the package's error classes.
    const type = error instanceof Error && "type" in error ? error.type : undefined;
    if (typeof type === "string" && notYetServed.includes(type)) return false;
    throw error;
  }
}

const notYetServed = ["UNKNOWN_TOPIC_OR_PARTITION", "NOT_LEADER_FOR_PARTITION", "LEADER_NOT_AVAILABLE"];

async function openLinks(targets: () => { plain: number; secure: number }) {
  const plain = await openLink(() => targets().plain);
  const secure = await openLink(() => targets().secure);
  return {
    ...{ plain, secure },
    ports: { plain: plain.port, secure: secure.port },
    async close() {
      await plain.close();
      await secure.close();
    },
  };
}

function accesses(ports: { plain: number; secure: number }, ca: string): Pick<KafkaBroker, "plain" | "secure"> {
  const { username, password } = saslLogin;
  const sasl = { username, password: { reveal: () => password } };
  return {
    plain: { brokers: [`127.0.0.1:${ports.plain}`] },
    secure: { brokers: [`localhost:${ports.secure}`], tls: { ca }, sasl },
  };
}

function serving(
  broker: Pick<KafkaBroker, "plain" | "stop"> & Partial<Pick<KafkaBroker, "secure" | "faults">>,
): KafkaBroker {
  mendIdleTimers();
  const client = new Client({
    brokers: [...broker.plain.brokers],
    logLevel: logLevel.NOTHING,
    retry: { retries: 40, initialRetryTime: 50, maxRetryTime: 500 },
  });
  const [admin, producer] = [client.admin(), client.producer({ allowAutoTopicCreation: false })];
  const made = new Set<string>();
  let connected: Promise<unknown> | undefined;
  const ask = async () => {
    connected ??= Promise.all([admin.connect(), producer.connect()]);
    await connected;
    return admin;
  };
  async function make(topic: string, { partitions = 1, config = {} }: TopicOptions = {}): Promise<void> {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    const topics = [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }];
    const asked = await ask();
    await asked.createTopics({ topics, waitForLeaders: false });
    made.add(topic);
    while (!(await isServed(asked, topic))) await delay(20);
  }
  return {
    ...{ secure: undefined, faults: undefined },
    ...broker,
    settled: async () => void (await (await ask()).describeGroups(["any"])),
    async createTopic(options) {
      const topic = `ledger-events-${randomUUID()}`;
      await make(topic, options);
      return topic;
    },
    recreateTopic: make,
    async deleteTopic(topic) {
      made.delete(topic);
      await (await ask()).deleteTopics({ topics: [topic] });
    },
    async expire(topic, partition, offset) {
      const asked = await ask();
      // kafkajs finds the leader of a topic only after it has asked about the topic.
      await asked.fetchTopicOffsets(topic);
      await asked.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
    },
    async committed(groupId, topic, partition) {
      const [found] = await (await ask()).fetchOffsets({ groupId, topics: [topic] });
      return Number(found?.partitions.find((one) => one.partition === partition)?.offset ?? -1);
    },
    async send(topic, partition, records) {
      await ask();
      const messages = records.map(({ headers, ...record }) => ({ ...record, partition, ...(headers && { headers }) }));
      await producer.send({ topic, messages });
    },
    async stop() {
      // Deletes our topics from a broker that is not ours.
      if (!broker.faults && made.size > 0) await (await ask()).deleteTopics({ topics: [...made] });
      await Promise.all([admin.disconnect(), producer.disconnect()]);
      await broker.stop();
    },
  };
}
