import { deepStrictEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { output, runProgram } from "../image/programs.ts";
import { chartFolder, KUBERNETES, objectsOf, render, valueFiles, withValues } from "./chart.ts";
import { planted, refusalOf } from "./planted.ts";
import { chartFaults } from "./rules.ts";
import type { DeploymentTools } from "./tools.ts";

const root = resolve(import.meta.dirname, "../../..");

/**
 * Checks the Dockerfile, and the chart with every file of values: lint, schemas of Kubernetes, policies, and planted
 * mistakes. @throws at the first fault
 */
export async function checkDeployment(tools: DeploymentTools, tell: (text: string) => void): Promise<void> {
  await output(tools.hadolint, ["--failure-threshold", "style", join(root, "docker/Dockerfile")]);
  tell("hadolint: docker/Dockerfile is clean");
  checkCompose(tools);
  tell("compose: docker/compose.yaml fits the schema of the specification");
  for (const file of valueFiles) {
    await output(tools.helm, ["lint", "--strict", "--kube-version", KUBERNETES[0], ...withValues(file), chartFolder]);
    const manifests = await renderedOf(tools, file);
    tell(`helm lint and template, ${file}: ${objectsOf(manifests).length} objects`);
    for (const version of KUBERNETES)
      tell(`kubeconform, ${file}, Kubernetes ${version}: ${await conform(tools, version, manifests)}`);
    deepStrictEqual(chartFaults(objectsOf(manifests)), []);
    tell(`rules, ${file}: no fault`);
    tell(`kube-score, ${file}: ${await score(tools, manifests)}`);
  }
  for (const mistake of planted) tell(`planted, ${mistake.name}: ${await refusalOf(tools.helm, mistake)}`);
}

function checkCompose({ composeSchema }: DeploymentTools): void {
  const compose: unknown = parse(readFileSync(join(root, "docker/compose.yaml"), "utf8"), { merge: true });
  const schema = JSON.parse(readFileSync(composeSchema, "utf8"));
  const fits = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
  if (!fits(compose)) throw new Error(`docker/compose.yaml: ${JSON.stringify(fits.errors?.slice(0, 3))}`);
}

async function renderedOf({ helm }: DeploymentTools, file: string): Promise<string> {
  const { code, stdout, stderr } = await render(helm, withValues(file));
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** The CSI driver's definitions are on no registry that can be reached: rules.ts looks at its objects. */
const withoutSchema = "SecretProviderClass";

async function conform(tools: DeploymentTools, version: string, manifests: string): Promise<string> {
  const locations = tools.schemas.flatMap((location) => ["-schema-location", location]);
  const args = ["-strict", "-summary", "-skip", withoutSchema, "-kubernetes-version", version, ...locations];
  return (await output(tools.kubeconform, [...args, "-"], manifests)).trim().replace(/^Summary: /, "");
}

/** Checks of kube-score that this chart answers otherwise, each with the reason. */
const otherwise: Readonly<Record<string, string>> = {
  "container-resources": "no CPU limits, since throttling adds latency; rules.ts demands requests and memory limits",
  "container-ephemeral-storage-request-and-limit": "the root is read-only, and the empty volumes have size limits",
  "container-image-pull-policy": "an image is named by its digest or version, which never changes",
  "statefulset-has-servicename": "no pod is reached by a name of its own, so the Service need not be headless",
};

async function score(tools: DeploymentTools, manifests: string): Promise<string> {
  const ignored = Object.keys(otherwise).flatMap((name) => ["--ignore-test", name]);
  const args = ["score", "--output-format", "ci", "--kubernetes-version", "v1.30", ...ignored, "-"];
  const { code, stdout, stderr } = await runProgram(tools.kubeScore, args, manifests);
  const critical = stdout.split("\n").filter((line) => line.startsWith("[CRITICAL]"));
  if (code !== 0 || critical.length > 0) throw new Error(`kube-score:\n${critical.join("\n")}${stderr}`);
  return `${stdout.split("\n").filter((line) => line.startsWith("[OK]")).length} checks met`;
}
