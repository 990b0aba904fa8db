import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { run } from "./run.ts";

/** Python with Spark and Delta, and the settings with which the jobs run on this machine. */
export type Spark = {
  readonly python: string;
  readonly environment: Readonly<Record<string, string>>;
};

const home = resolve(import.meta.dirname, "../../../../.cache/spark");
export const jobsFolder = resolve(import.meta.dirname, "../../../databricks");
export const sampleMain = resolve(import.meta.dirname, "../sample/sample-main.ts");

/** Installs the pinned versions into .cache/spark unless they are there. @throws if a step fails */
export async function installSpark(): Promise<Spark> {
  const python = join(home, "bin/python");
  const pins = [join(jobsFolder, "requirements.txt"), join(import.meta.dirname, "pom.xml")] as const;
  const wanted = pins.map((file) => readFileSync(file, "utf8")).join("");
  const record = join(home, "installed");
  if (!existsSync(record) || readFileSync(record, "utf8") !== wanted) {
    console.error("spark: installing Spark and Delta into .cache/spark");
    rmSync(home, { recursive: true, force: true });
    await step("python3", ["-m", "venv", home]);
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r", pins[0]];
    await step(python, pip);
    // Among Spark's own jars, so that a session finds Delta without settings.
    const jars = join(home, "lib/python3.11/site-packages/pyspark/jars");
    await step("mvn", ["-q", "-B", "-C", "-f", pins[1], "dependency:copy-dependencies", `-DoutputDirectory=${jars}`]);
    writeFileSync(record, wanted);
  }
  const settings = { SPARK_CONF_DIR: join(jobsFolder, "local"), SPARK_LOCAL_IP: "127.0.0.1" };
  return { python, environment: { ...settings, PYTHONPATH: jobsFolder, PYTHONDONTWRITEBYTECODE: "1" } };
}

async function step(program: string, args: readonly string[]): Promise<void> {
  const code = await run(program, args);
  if (code !== 0) throw new Error(`${program} ${args.slice(0, 3).join(" ")} ended with ${code}`);
}
