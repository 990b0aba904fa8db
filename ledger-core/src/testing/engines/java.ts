import { execFile, spawn } from "node:child_process";
import { createHash, hash } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { engineCache, findProgram } from "./engine.ts";

const run = promisify(execFile);

const JAVA_MIN = 17;

/** Options for a small test server that starts fast. */
export const jvmOptions = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"];

/** An engine that runs on Java, from Maven Central. */
export type JavaEngine = {
  readonly name: string;
  /** The folder with its pom.xml, which has the version, and jars.sha256, the SHA-256 of every jar. */
  readonly source: string;
  /** The size of its jars. */
  readonly size: string;
};

/** Java, the engine's jars, and an archive of its classes, which halves its start time. */
export type JavaPrograms = { readonly java: string; readonly libs: string; readonly classes: string };

/** The programs of an installed engine, and its folder in the cache; undefined without Java or the installation. */
export async function findInstalled(engine: JavaEngine): Promise<(JavaPrograms & { folder: string }) | undefined> {
  const [java, folder] = [await findJava(), await cacheFolder(engine)];
  return java && (await isComplete(folder)) ? { ...programsIn(folder, java), folder } : undefined;
}

/** Fetches the engine's jars into the cache; does nothing if it is installed. `prepare` adds what else it needs. */
export async function installJars(
  engine: JavaEngine,
  tell: (text: string) => void,
  prepare: (programs: JavaPrograms, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await cacheFolder(engine);
  if (await isComplete(folder)) return;
  const java = await findJava();
  if (!java) throw new Error(`${engine.name} needs Java ${JAVA_MIN} or later`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const programs = programsIn(folder, java);
  await fetchJars(engine, programs.libs, tell);
  await verifyJars(engine, programs.libs);
  tell(`${engine.name}: preparing its classes`);
  await prepare(programs, folder);
  await writeFile(join(folder, "complete"), "");
}

/** Runs a server until its ready line, to archive the classes that it loaded. */
export async function archiveClasses(
  { java, libs, classes }: JavaPrograms,
  args: readonly string[],
  ready: RegExp,
): Promise<void> {
  const archive = [`-XX:ArchiveClassesAtExit=${classes}`, ...jvmOptions, "-cp", `${libs}/*`];
  const child = spawn(java, [...archive, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "close");
  for await (const line of createInterface({ input: child.stderr })) if (ready.test(line)) child.kill("SIGTERM");
  await ended;
}

/** The arguments with which Java starts a server quickly. */
export function javaArgs(
  { libs, classes }: JavaPrograms,
  args: readonly string[],
  options: readonly string[] = [],
): readonly string[] {
  return [`-XX:SharedArchiveFile=${classes}`, ...jvmOptions, ...options, "-cp", `${libs}/*`, ...args];
}

function programsIn(folder: string, java: string): JavaPrograms {
  return { java, libs: join(folder, "libs"), classes: join(folder, "classes.jsa") };
}

/** One folder per list of checksums, so that a new version gets a new folder. */
async function cacheFolder({ name, source }: JavaEngine): Promise<string> {
  const sums = await readFile(join(source, "jars.sha256"));
  return join(engineCache, `${name.toLowerCase().replaceAll(" ", "-")}-${hash("sha256", sums).slice(0, 12)}`);
}

async function isComplete(folder: string): Promise<boolean> {
  return readFile(join(folder, "complete")).then(
    () => true,
    () => false,
  );
}

async function findJava(): Promise<string | undefined> {
  const java = await findProgram("java");
  if (!java) return undefined;
  const { stderr } = await run(java, ["-version"]).catch(() => ({ stderr: "" }));
  return Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0) >= JAVA_MIN ? java : undefined;
}

async function fetchJars({ name, source, size }: JavaEngine, libs: string, tell: (text: string) => void) {
  const mvn = await findProgram("mvn");
  if (!mvn) throw new Error(`${name}'s jars are fetched by Maven, which is not installed`);
  tell(`${name}: fetching its jars (${size}) with Maven`);
  const goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", `-DoutputDirectory=${libs}`];
  // Strict checksums: a damaged download fails the build.
  const child = spawn(mvn, ["-B", "-C", "-Dstyle.color=never", "-f", join(source, "pom.xml"), ...goal], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const code = new Promise<number | null>((resolve, reject) => child.once("close", resolve).once("error", reject));
  const lines: string[] = [];
  let files = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (/Downloaded from/.test(line) && ++files % 25 === 0) tell(`${name}: ${files} files fetched`);
    if (/ERROR/.test(line)) lines.push(line);
  }
  if ((await code) !== 0) throw new Error(`Maven could not fetch ${name}'s jars:\n${lines.slice(0, 10).join("\n")}`);
}

/** @throws if a jar is missing, unexpected, or differs from its checksum in jars.sha256 */
async function verifyJars({ name: engine, source }: JavaEngine, libs: string): Promise<void> {
  const expected = (await readFile(join(source, "jars.sha256"), "utf8")).trim().split("\n");
  const names = expected.map((line) => line.slice(66));
  const foreign = (await readdir(libs)).filter((name) => !names.includes(name));
  if (foreign.length > 0) throw new Error(`${engine}: jars without a checksum: ${foreign.join(", ")}`);
  for (const [index, name] of names.entries()) {
    const sha256 = createHash("sha256");
    await pipeline(createReadStream(join(libs, name)), sha256);
    if (sha256.digest("hex") !== expected[index]?.slice(0, 64)) throw new Error(`${engine}: wrong checksum of ${name}`);
  }
}
