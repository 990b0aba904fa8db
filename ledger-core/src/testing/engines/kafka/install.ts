import { execFile, spawn } from "node:child_process";
import { createHash, hash } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { freePort } from "../child-engine.ts";
import { type EngineKind, engineCache, findProgram } from "../engine.ts";

const run = promisify(execFile);
const pom = join(import.meta.dirname, "pom.xml");
const sums = join(import.meta.dirname, "jars.sha256");

const JAVA_MIN = 17;
/** Options for a small test broker that starts fast. */
export const jvmOptions = [
  ...["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"],
  "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn",
];

/** Java, the broker's jars with its class archive, and a formatted, empty store that each broker copies. */
export type KafkaPrograms = {
  readonly java: string;
  readonly libs: string;
  readonly classes: string;
  readonly emptyStore: string;
};

/** Apache Kafka from Maven Central; pom.xml has its version, jars.sha256 the SHA-256 of every jar. */
export const kafkaKind: EngineKind<KafkaPrograms> = {
  name: "Kafka",
  variable: "KAFKA_URL",
  urlForm: "kafka://host:port",
  image: "apache/kafka:4.3.1",
  programs: { java: "default-jre-headless", mvn: "maven", openssl: "openssl" },
  describe: ({ java, libs }) => `${java}, ${libs}`,
  async find() {
    const [java, openssl, folder] = [await findJava(), await findProgram("openssl"), await cacheFolder()];
    const there = await readFile(join(folder, "complete"), "utf8").catch(() => undefined);
    return java && openssl && there !== undefined ? programs(java, folder) : undefined;
  },
  async install(tell) {
    const folder = await cacheFolder();
    if ((await readFile(join(folder, "complete"), "utf8").catch(() => undefined)) !== undefined) return;
    const java = await findJava();
    if (!java) throw new Error(`Kafka needs Java ${JAVA_MIN} or later`);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const made = programs(java, folder);
    await fetchJars(made.libs, tell);
    await verifyJars(made.libs);
    tell("Kafka: preparing a store and its classes");
    await prepare(made, folder);
    await writeFile(join(folder, "complete"), "");
  },
};

function programs(java: string, folder: string): KafkaPrograms {
  return { java, libs: join(folder, "libs"), classes: join(folder, "classes.jsa"), emptyStore: join(folder, "store") };
}

/** One folder per list of checksums, so that a new version of Kafka gets a new folder. */
async function cacheFolder(): Promise<string> {
  return join(engineCache, `kafka-${hash("sha256", await readFile(sums)).slice(0, 12)}`);
}

async function findJava(): Promise<string | undefined> {
  const java = await findProgram("java");
  if (!java) return undefined;
  const { stderr } = await run(java, ["-version"]).catch(() => ({ stderr: "" }));
  return Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0) >= JAVA_MIN ? java : undefined;
}

async function fetchJars(libs: string, tell: (text: string) => void): Promise<void> {
  const mvn = await findProgram("mvn");
  if (!mvn) throw new Error("Kafka's jars are fetched by Maven, which is not installed");
  tell("Kafka: fetching its jars (45 MB) with Maven");
  const goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", `-DoutputDirectory=${libs}`];
  // Strict checksums: a damaged download fails the build.
  const child = spawn(mvn, ["-B", "-C", "-Dstyle.color=never", "-f", pom, ...goal], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const code = new Promise<number | null>((resolve, reject) => child.once("close", resolve).once("error", reject));
  const lines: string[] = [];
  let files = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (/Downloaded from/.test(line) && ++files % 25 === 0) tell(`Kafka: ${files} files fetched`);
    if (/ERROR/.test(line)) lines.push(line);
  }
  if ((await code) !== 0) throw new Error(`Maven could not fetch Kafka's jars:\n${lines.slice(0, 10).join("\n")}`);
}

/** @throws if a jar is missing, unexpected, or differs from its checksum in jars.sha256 */
async function verifyJars(libs: string): Promise<void> {
  const expected = (await readFile(sums, "utf8")).trim().split("\n");
  const names = expected.map((line) => line.slice(66));
  const foreign = (await readdir(libs)).filter((name) => !names.includes(name));
  if (foreign.length > 0) throw new Error(`Kafka: jars without a checksum: ${foreign.join(", ")}`);
  for (const [index, name] of names.entries()) {
    const sha256 = createHash("sha256");
    await pipeline(createReadStream(join(libs, name)), sha256);
    if (sha256.digest("hex") !== expected[index]?.slice(0, 64)) throw new Error(`Kafka: wrong checksum of ${name}`);
  }
}

/**
 * Formats an empty store and starts a broker once to archive its classes, which halves the start time of each test
 * broker.
 */
async function prepare({ java, libs, classes, emptyStore }: KafkaPrograms, folder: string): Promise<void> {
  const settings = join(folder, "prepare.properties");
  const [broker, controller] = [await freePort(), await freePort()];
  const text = (store: string) => `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controller}
listeners=PLAINTEXT://127.0.0.1:${broker},CONTROLLER://127.0.0.1:${controller}
controller.listener.names=CONTROLLER
log.dirs=${store}
`;
  const jvm = [...jvmOptions, "-cp", `${libs}/*`];
  await writeFile(settings, text(emptyStore));
  await run(java, [...jvm, "kafka.tools.StorageTool", "format", "-t", "payledger-test-brokerA", "-c", settings]);
  const used = join(folder, "used");
  await cp(emptyStore, used, { recursive: true });
  await writeFile(settings, text(used));
  const child = spawn(java, [`-XX:ArchiveClassesAtExit=${classes}`, ...jvm, "kafka.Kafka", settings], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "close");
  for await (const line of createInterface({ input: child.stderr }))
    if (/Kafka Server started/.test(line)) child.kill("SIGTERM");
  await ended;
  await rm(used, { recursive: true });
}
