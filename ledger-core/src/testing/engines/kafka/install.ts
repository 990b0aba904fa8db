import { execFile } from "node:child_process";
import { cp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "../child-engine.ts";
import { type EngineKind, findProgram } from "../engine.ts";
import { archiveClasses, findInstalled, installJars, type JavaEngine, type JavaPrograms, jvmOptions } from "../java.ts";

const run = promisify(execFile);

/** A formatted, empty store that each broker copies. */
export type KafkaPrograms = JavaPrograms & { readonly emptyStore: string };

const kafka: JavaEngine = { name: "Kafka", source: import.meta.dirname, size: "45 MB" };

/** Keeps the broker from printing all of its settings. */
export const quietSettings = "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn";

/** Apache Kafka from Maven Central. */
export const kafkaKind: EngineKind<KafkaPrograms> = {
  name: kafka.name,
  variable: "KAFKA_URL",
  urlForm: "kafka://host:port",
  image: "apache/kafka:4.3.1",
  programs: { java: "default-jre-headless", mvn: "maven", openssl: "openssl" },
  describe: ({ java, libs }) => `${java}, ${libs}`,
  async find() {
    const [openssl, installed] = [await findProgram("openssl"), await findInstalled(kafka)];
    return openssl && installed ? { ...installed, emptyStore: storeIn(installed.folder) } : undefined;
  },
  install: (tell) => installJars(kafka, tell, prepare),
};

function storeIn(folder: string): string {
  return join(folder, "store");
}

/** Formats an empty store and starts a broker on a copy of it once. */
async function prepare(programs: JavaPrograms, folder: string): Promise<void> {
  const settings = join(folder, "prepare.properties");
  const [broker, controller] = [await freePort(), await freePort()];
  const text = (store: string) => `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controller}
listeners=PLAINTEXT://127.0.0.1:${broker},CONTROLLER://127.0.0.1:${controller}
controller.listener.names=CONTROLLER
log.dirs=${store}
`;
  const emptyStore = storeIn(folder);
  await writeFile(settings, text(emptyStore));
  const format = ["kafka.tools.StorageTool", "format", "-t", "payledger-test-brokerA", "-c", settings];
  await run(programs.java, [...jvmOptions, quietSettings, "-cp", `${programs.libs}/*`, ...format]);
  const used = join(folder, "used");
  await cp(emptyStore, used, { recursive: true });
  await writeFile(settings, text(used));
  await archiveClasses(programs, [quietSettings, "kafka.Kafka", settings], /Kafka Server started/);
  await rm(used, { recursive: true });
}
