import { join } from "node:path";
import { installSpark, jobsFolder, sampleMain } from "./install.ts";
import { run } from "./run.ts";
import { walkThePage } from "./walk.ts";

const usage = `usage: npm run spark -- <command> [arguments]

Runs the jobs for Databricks on this machine, the same files, with Spark and Delta in .cache/spark (600 MB, installed by
the first command; needs Python 3.11, Java 17 and Maven).

  sample --data <folder>     make a ledger's data folder with four months of made-up payments, exported
  gold --lake <folder>       make the gold tables
  train --lake <folder>      train recommendations, and promote them if they are better than popularity
  sql <folder> [<file>]      answer SQL on the tables of a folder; without a file, the facts of the Berka import
  hour --lake <folder>       run the notebook of a data scientist's first hour
  kills <folder>             count what is in the lakes of killed exporters (kill-loop-main.ts --keep <folder>)
  test [arguments]           test the jobs and the page: the long form, which LEDGER_CI_SPARK=1 .ci/run runs as well
  page                       run the commands of docs/analytics.md, from a clone to a report`;

const jobs: Readonly<Record<string, readonly string[]>> = {
  gold: ["-m", "gold.build"],
  train: ["-m", "recommendations.train"],
  compare: ["-m", "lake.compare_mysql"],
  sql: [join(import.meta.dirname, "query.py")],
  kills: [join(jobsFolder, "tests/killed_lakes.py")],
  hour: [join(jobsFolder, "notebooks/first_hour.py")],
};
const [command = "", ...rest] = process.argv.slice(2);

if (command === "sample") process.exitCode = await run(process.execPath, [sampleMain, ...rest]);
else if (command === "install") await installSpark();
else if (command === "test") {
  // Only the long form loads the drivers of engines.
  const { testJobs } = await import("./long-form.ts");
  process.exitCode = await testJobs(await installSpark(), rest);
} else if (command === "page") process.exitCode = await walkThePage();
else if (Object.hasOwn(jobs, command)) {
  const spark = await installSpark();
  process.exitCode = await run(spark.python, [...(jobs[command] ?? []), ...rest], spark);
} else {
  console.error(usage);
  process.exitCode = 2;
}
