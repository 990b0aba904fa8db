import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { bundleFaults } from "./check-bundle.ts";
import { readBundle } from "./read-bundle.ts";

const folder = resolve(import.meta.dirname, "../../../databricks");

test("the bundle's keys, references, variables, clusters and commands are right", () => {
  const bundle = readBundle(folder);
  expect(bundleFaults(bundle)).toEqual([]);
  expect(Object.keys(bundle.resources.jobs ?? {})).toEqual(["nightly", "replica", "stream"]);
});

const [root, jobs] = ["databricks.yml", "resources/jobs.yml"] as const;

test.each([
  [root, "targets:\n", "target:\n", "databricks.yml: target is no key of a bundle"],
  [root, "resources/*.yml", "resource/*.yml", "include resource/*.yml matches no file"],
  [root, "default: true\n", "default: false\n", "exactly one target must be the default, not 0"],
  [root, "mode: production", "mode: live", "target prod: mode must be development or production"],
  [
    root,
    `    run_as:\n      service_principal_name: \${var.service_principal}\n`,
    "",
    "target prod: production needs run_as",
  ],
  [root, "      catalog: payledger_dev\n", "", "target dev: the variable catalog has no value"],
  [
    root,
    "      catalog: payledger_dev\n",
    "      catalogue: x\n",
    "target dev: the variable catalogue is not declared",
  ],
  [jobs, `\${var.node_type}`, `\${var.nodes}`, `\${var.nodes} is used but not declared`],
  [jobs, `\${var.node_type}`, "Standard_D4ds_v5", "the variable node_type is not used"],
  [
    jobs,
    "comment: Tables",
    `comment: \${resources.jobs.daily.id}`,
    `\${resources.jobs.daily.id} refers to nothing in the bundle`,
  ],
  [jobs, "  schemas:\n", "  schema:\n", "resources: schema is no key of a bundle"],
  [jobs, "max_concurrent_runs: 1", "max_concurrent_runs: 2", "job nightly: max_concurrent_runs must be 1"],
  [jobs, "      timeout_seconds: 14400\n", "", "job nightly: timeout_seconds is missing"],
  [jobs, "on_failure", "on_success", "job nightly: nobody is told of failures"],
  [jobs, "level: CAN_VIEW", "level: CAN_SEE", "job nightly: CAN_SEE is no level of permission"],
  [jobs, `group_name: \${var.operators}`, "group: x", "job nightly: a permission names one of group_name"],
  [jobs, "task_key: train", "task_key: gold", "job nightly: two tasks are named gold"],
  [
    jobs,
    "          depends_on:\n            - task_key: gold",
    "          depends_on:\n            - task_key: golden",
    "no task before it is named golden",
  ],
  [
    jobs,
    "job_cluster_key: small\n          max",
    "job_cluster_key: large\n          max",
    "task gold: there is no job cluster large",
  ],
  [
    jobs,
    "            - whl: dist/*.whl\n        - task_key: train",
    "            - pypi: x\n        - task_key: train",
    "task gold: the wheel is missing in its libraries",
  ],
  [
    jobs,
    "package_name: payledger_jobs",
    "package_name: payledger",
    "task gold: the wheel is payledger_jobs, not payledger",
  ],
  [jobs, "entry_point: train", "entry_point: learn", "task train: the wheel has no command learn"],
  [
    jobs,
    `[--lake, "\${var.lake}", --gold`,
    `[--lake, "\${var.lake}", --golden`,
    "task gold: the command gold takes no --golden",
  ],
  [
    jobs,
    `              - --user\n              - \${var.replica_user}\n`,
    "",
    "task compare: the command compare needs --user",
  ],
  [root, "?sslMode=VERIFY_IDENTITY", "?password=x", "a secret is in the bundle: jdbc:mysql"],
  [root, "jdbc:mysql://replica", "jdbc:mysql://root:pw@replica", "a secret is in the bundle"],
])("a fault in %s, %j instead of %j, is named", (file, right, wrong, message) => {
  const copy = mkdtempSync(join(tmpdir(), "payledger-bundle-"));
  onTestFinished(() => rmSync(copy, { recursive: true }));
  cpSync(folder, copy, { recursive: true });
  const text = readFileSync(join(copy, file), "utf8");
  expect(text).toContain(right);
  writeFileSync(
    join(copy, file),
    text.replace(right, () => wrong),
  );
  expect(bundleFaults(readBundle(copy)).join("\n")).toContain(message);
});
