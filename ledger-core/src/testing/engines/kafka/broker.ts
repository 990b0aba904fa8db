import { cp, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificates } from "../certificates.ts";
import { type ChildEngine, freePort, startChildEngine } from "../child-engine.ts";
import { javaArgs } from "../java.ts";
import { type KafkaPrograms, quietSettings } from "./install.ts";

/** The user name that Event Hubs expects, and a password of the same form. */
export const saslLogin = {
  username: "$ConnectionString",
  password: "Endpoint=sb://local.servicebus.windows.net/;SharedAccessKeyName=test;SharedAccessKey=abc+def/ghi=",
};

export type Ports = { readonly plain: number; readonly secure: number };

export type BrokerSettings = {
  /** Ports to listen on, and the ports advertised to clients. */
  readonly host: string;
  readonly ports: Ports & { readonly controller: number };
  readonly advertised: Ports;
  readonly store: string;
  /** Key and certificate in one PEM file. */
  readonly keys: string;
};

/** Settings of one node that behaves like Event Hubs: no automatic topics, its message limit, PLAIN over TLS. */
export function brokerSettings({ host, ports, advertised, store, keys }: BrokerSettings): string {
  const jaas = "org.apache.kafka.common.security.plain.PlainLoginModule";
  const { plain, secure, controller } = ports;
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controller}
listeners=PLAINTEXT://${host}:${plain},SASL_SSL://${host}:${secure},CONTROLLER://127.0.0.1:${controller}
advertised.listeners=PLAINTEXT://127.0.0.1:${advertised.plain},SASL_SSL://localhost:${advertised.secure}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=${store}
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=${jaas} required user_${saslLogin.username}="${saslLogin.password}";
ssl.keystore.type=PEM
ssl.keystore.location=${keys}
auto.create.topics.enable=false
message.max.bytes=1046528
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
log.retention.check.interval.ms=500
log.cleaner.dedupe.buffer.size=4194304
num.network.threads=1
num.io.threads=2
background.threads=2
`;
}

/**
 * Prepares a broker's folder with settings, keys and an empty store; `ca` is the authority of its certificate in PEM.
 */
export async function prepareBroker(programs: KafkaPrograms, advertised: Ports) {
  const folder = await mkdtemp(join(tmpdir(), "payledger-kafka-"));
  const { ca, keys } = await makeKeys(folder);
  const ports = { plain: await freePort(), secure: await freePort(), controller: await freePort() };
  const store = join(folder, "store");
  await cp(programs.emptyStore, store, { recursive: true });
  const settings = join(folder, "server.properties");
  await writeFile(settings, brokerSettings({ host: "127.0.0.1", ports, advertised, store, keys }));
  const start = (): Promise<ChildEngine> =>
    startChildEngine({
      command: programs.java,
      args: javaArgs(programs, [quietSettings, "kafka.Kafka", settings]),
      folder,
      ready: /Kafka Server started/,
      readyMs: 90_000,
      stopBy: "KILL",
    });
  return { ca, ports, start };
}

/** The broker expects key and certificate in one file. */
export async function makeKeys(folder: string): Promise<{ readonly ca: string; readonly keys: string }> {
  const { ca, files } = await makeCertificates(folder);
  const keys = join(folder, "keys.pem");
  await writeFile(keys, `${await readFile(files.key, "utf8")}${await readFile(files.certificate, "utf8")}`);
  return { ca, keys };
}
