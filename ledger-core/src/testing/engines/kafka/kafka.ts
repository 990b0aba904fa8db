import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kafka as Client, logLevel } from "kafkajs";
import type { EngineSource } from "../engine.ts";
import { findEngine } from "../engine.ts";
import { type Link, openLink } from "../link.ts";
import { brokerSettings, makeKeys, prepareBroker, saslLogin } from "./broker.ts";
import { type KafkaPrograms, kafkaKind } from "./install.ts";

/** How a client reaches a broker. */
export type KafkaAccess = {
  readonly brokers: readonly string[];
  readonly tls?: { readonly ca?: string };
  readonly sasl?: { readonly username: string; readonly password: { reveal(): string } };
};

export type TopicOptions = { readonly partitions?: number; readonly config?: Readonly<Record<string, string>> };

/** A Kafka broker for tests. */
export type KafkaBroker = {
  readonly plain: KafkaAccess;
  /** SASL_SSL, as Event Hubs has it. Undefined for a broker given by its URL. */
  readonly secure: KafkaAccess | undefined;
  /** Faults that tests can play; undefined for a broker given by its URL, which is not ours to disturb. */
  readonly faults: BrokerFaults | undefined;
  /** Makes a topic with a name of its own. */
  createTopic(options?: TopicOptions): Promise<string>;
  deleteTopic(topic: string): Promise<void>;
  stop(): Promise<void>;
};

export type BrokerFaults = {
  /** The network between plain clients and the broker. */
  readonly link: Link;
  kill(): Promise<void>;
  /** Starts the broker again on its store after a kill. */
  start(): Promise<void>;
};

export type KafkaSource = EngineSource<KafkaPrograms>;

/** Finds a broker. @throws on a build machine (CI=true) that has none */
export function findKafka(): Promise<KafkaSource> {
  return findEngine(kafkaKind);
}

export async function startKafka(source: KafkaSource): Promise<KafkaBroker> {
  switch (source.kind) {
    case "url":
      return serving({ plain: { brokers: [source.url.host] }, stop: async () => undefined });
    case "local":
      return startLocal(source.local);
    case "container":
      return startContainer();
    case "none":
      throw new Error(source.reason);
    default:
      return source satisfies never;
  }
}

async function startLocal(programs: KafkaPrograms): Promise<KafkaBroker> {
  const links = await openLinks(() => ports);
  const { ca, ports, start } = await prepareBroker(programs, links.ports);
  let engine = await start();
  return serving({
    ...accesses(links.ports, ca),
    faults: {
      link: links.plain,
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
  return serving({
    ...accesses(links.ports, ca),
    faults: {
      link: links.plain,
      kill: async () => void (await container.stop({ timeout: 0, remove: false })),
      start: () => container.restart(),
    },
    async stop() {
      await container.stop();
      await links.close();
    },
  });
}

async function openLinks(targets: () => { plain: number; secure: number }) {
  const plain = await openLink(() => targets().plain);
  const secure = await openLink(() => targets().secure);
  return {
    plain,
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
  const client = new Client({ brokers: [...broker.plain.brokers], logLevel: logLevel.NOTHING });
  const admin = client.admin();
  const made = new Set<string>();
  let connected: Promise<void> | undefined;
  const ask = async () => {
    connected ??= admin.connect();
    await connected;
    return admin;
  };
  return {
    ...{ secure: undefined, faults: undefined },
    ...broker,
    async createTopic({ partitions = 1, config = {} } = {}) {
      const topic = `ledger-events-${process.pid}-${Date.now()}-${made.size}`;
      const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
      const asked = await ask();
      await asked.createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }] });
      made.add(topic);
      return topic;
    },
    async deleteTopic(topic) {
      made.delete(topic);
      await (await ask()).deleteTopics({ topics: [topic] });
    },
    async stop() {
      // A broker of somebody else keeps nothing of ours.
      if (!broker.faults && made.size > 0) await (await ask()).deleteTopics({ topics: [...made] });
      await admin.disconnect();
      await broker.stop();
    },
  };
}
