import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { readBundle } from "../bundle/read-bundle.ts";
import { installSpark, jobsFolder, type Spark } from "./install.ts";
import { run } from "./run.ts";
import { walkThePage } from "./walk.ts";

const usage = `usage: npm run spark -- <command> [arguments]

Runs the jobs for Databricks on this machine, the same files, with Spark and Delta in .cache/spark (594 MB, installed by
the first command; needs Python 3.11, Java 17 and Maven).

  sample --data <folder>     make a ledger's data folder with four months of made-up payments, exported
  gold --lake <folder>       make the gold tables
  train --lake <folder>      train recommendations, and promote them if they are better than popularity
  sql <folder> [<file>]      answer SQL on the tables of a folder; without a file, the facts of the Berka import
  hour --lake <folder>       run the notebook of a data scientist's first hour
  test [arguments]           test the jobs and the page: the long form, not part of .ci/run
  page                       run the commands of docs/analytics.md, from a clone to a report`;

const jobs: Readonly<Record<string, readonly string[]>> = {
  gold: ["-m", "gold.build"],
  train: ["-m", "recommendations.train"],
  compare: ["-m", "lake.compare_mysql"],
  sql: [join(import.meta.dirname, "query.py")],
  hour: [join(jobsFolder, "notebooks/first_hour.py")],
};
const [command = "", ...rest] = process.argv.slice(2);
const sample = resolve(import.meta.dirname, "../sample/sample-main.ts");

if (command === "sample") process.exitCode = await run(process.execPath, [sample, ...rest]);
else if (command === "install") await installSpark();
else if (command === "test") process.exitCode = await test(await installSpark());
else if (command === "page") process.exitCode = await walkThePage();
else if (Object.hasOwn(jobs, command)) {
  const spark = await installSpark();
  process.exitCode = await run(spark.python, [...(jobs[command] ?? []), ...rest], spark);
} else {
  console.error(usage);
  process.exitCode = 2;
}

/** Tests the jobs on a new sample, the bundle with Databricks' own package, and the commands of the page. */
async function test(spark: Spark): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "payledger-spark-"));
  try {
    const data = join(folder, "data");
    const made = await run(process.execPath, [sample, "--data", data, "--ends", "2026-11-01T00:00:00Z"]);
    if (made !== 0) return made;
    const resources = join(folder, "bundle.json");
    writeFileSync(resources, JSON.stringify(readBundle(jobsFolder).resources));
    const pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", ...rest];
    const environment = { ...spark.environment, LAKE_SAMPLE: data, BUNDLE_RESOURCES: resources };
    const tested = await run(spark.python, pytest, { cwd: jobsFolder, environment });
    return tested === 0 ? await walkThePage() : tested;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
