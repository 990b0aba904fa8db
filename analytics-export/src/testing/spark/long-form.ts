import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { findAzurite } from "ledger-core/testing/engines/azurite";
import { readBundle } from "../bundle/read-bundle.ts";
import { importBank } from "./berka.ts";
import { startEngines } from "./engines.ts";
import { jobsFolder, type Spark, sampleMain } from "./install.ts";
import { run } from "./run.ts";
import { walkThePage } from "./walk.ts";

const killLoop = resolve(import.meta.dirname, "../kills/kill-loop-main.ts");

/** How many exporters are killed per target; `kill-loop-main.ts` kills as many as wanted. */
const KILLS = 40;

/**
 * Tests the jobs: on a new sample, on lakes of killed exporters, on a bank's year, with a broker and a MySQL server,
 * and the bundle with Databricks' own package. Then runs the commands of the page.
 * @param args further arguments of pytest @returns the exit code of the first program that failed
 */
export async function testJobs(spark: Spark, args: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "payledger-spark-"));
  const startMs = performance.now();
  const tell = (text: string) => console.error(`spark: ${((performance.now() - startMs) / 1000).toFixed()} s: ${text}`);
  try {
    const data = join(folder, "data");
    tell("making the sample");
    await succeed(sampleMain, ["--data", data, "--ends", "2026-11-01T00:00:00Z"]);
    const kills = join(folder, "kills");
    for (const target of await killTargets()) {
      tell(`killing exporters, target ${target}`);
      await succeed(killLoop, ["--target", target, "--rounds", String(KILLS), "--keep", join(kills, target)]);
    }
    tell("importing a bank's year");
    const bank = await importBank(folder);
    tell("filling a Kafka and a MariaDB");
    const engines = await startEngines(data, folder);
    const resources = join(folder, "bundle.json");
    writeFileSync(resources, JSON.stringify(readBundle(jobsFolder).resources));
    const places = { LAKE_SAMPLE: data, BUNDLE_RESOURCES: resources, KILLED_LAKES: kills, JOB_ENGINES: engines.file };
    const environment = { ...spark.environment, ...places, BANK_FILE: bank.file, BANK_DATA: bank.data };
    tell("testing the jobs");
    const pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=10", "tests", ...args];
    const tested = await run(spark.python, pytest, { cwd: jobsFolder, environment }).finally(engines.stop);
    if (tested !== 0) return tested;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  tell("running the commands of docs/analytics.md");
  const walked = await walkThePage();
  tell(walked === 0 ? "all done" : `a command of the page ended with ${walked}`);
  return walked;
}

/** @throws in CI if there is no Azurite */
async function killTargets(): Promise<readonly string[]> {
  const azurite = await findAzurite();
  if (azurite.kind !== "none") return ["folder", "azure"];
  console.error(`spark: no exporters into Azure Storage are killed: ${azurite.reason}`);
  return ["folder"];
}

async function succeed(script: string, args: readonly string[]): Promise<void> {
  const code = await run(process.execPath, [script, ...args]);
  if (code !== 0) throw new Error(`${script} ended with ${code}`);
}
