import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { at } from "../json.ts";
import { chartFolder, valueFiles } from "./chart.ts";
import { planted } from "./planted.ts";
import { chartFaults } from "./rules.ts";

/*
 * Checks that need no helm; `npm run deployment` renders the chart, and checks and runs what comes of it.
 */
const read = (path: string) => readFileSync(join(chartFolder, path), "utf8");
const schema: unknown = JSON.parse(read("values.schema.json"));
const values: unknown = parse(read("values.yaml"));

/** The object that a value's schema describes. */
function schemaAt(path: readonly string[]): unknown {
  let here = schema;
  for (const key of path) {
    const found = at(here, "properties", key);
    const named = /^#\/definitions\/(\w+)$/.exec(String(at(found, "$ref")))?.[1];
    here = named === undefined ? found : at(schema, "definitions", named);
  }
  return here;
}

/** The paths of everything in values; maps that a user fills are leaves. */
function paths(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => paths(inner, [...path, key]))];
}

test("every value is in the schema, which refuses others, and everything in the schema has a value", () => {
  for (const path of paths(values)) expect(schemaAt(path), path.join(".")).toBeDefined();
  for (const path of paths(values)) {
    const described = schemaAt(path);
    if (at(described, "properties") === undefined) continue;
    expect(at(described, "additionalProperties"), path.join(".")).toBe(false);
    if (path.at(-1) === "requests" || path.at(-1) === "limits") continue;
    const named = Object.keys(Object(at(described, "properties"))).filter((key) => key !== "global");
    expect(Object.keys(Object(at(values, ...path))).sort(), path.join(".")).toEqual(named.sort());
  }
});

test.each([...valueFiles])("%s sets only values that exist", (file) => {
  const set: unknown = parse(read(file));
  for (const path of paths(set)) expect(at(values, ...path), path.join(".")).toBeDefined();
});

test("the variables of services are settings of docs/configuration.md", () => {
  const page = readFileSync(resolve(chartFolder, "../../docs/configuration.md"), "utf8");
  const settings = new Set([...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name));
  const used = new Set(read("templates/_settings.tpl").match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g));
  expect(used.size).toBeGreaterThan(20);
  expect([...used].filter((name) => !settings.has(name))).toEqual([]);
});

const container = {
  name: "query-service",
  image: "payledger:0.1.0",
  env: [{ name: "LEDGER_SHARDS", value: "1" }],
  startupProbe: {},
  livenessProbe: {},
  readinessProbe: {},
  lifecycle: { preStop: { sleep: { seconds: 10 } } },
  resources: { requests: { memory: "1Gi" }, limits: { memory: "1Gi" } },
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  },
};
const pod = {
  automountServiceAccountToken: false,
  securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: "RuntimeDefault" } },
  topologySpreadConstraints: [{}],
  containers: [container],
};
const denies = { kind: "NetworkPolicy", metadata: { name: "deny" }, spec: { policyTypes: ["Ingress", "Egress"] } };
const deployment = (spec: object) => ({ kind: "Deployment", metadata: { name: "q" }, spec: { template: { spec } } });
const withContainer = (change: object) => deployment({ ...pod, containers: [{ ...container, ...change }] });
const policy = (spec: object) => ({ kind: "NetworkPolicy", metadata: { name: "p" }, spec });

const scaler = (change: { max?: number; group?: string; topic?: string; of?: string }) => {
  const { max = 1, group = "lag-graph", topic = "events", of = "q" } = change;
  const metadata = { consumerGroup: group, topic };
  const spec = { scaleTargetRef: { name: of }, maxReplicaCount: max, triggers: [{ type: "kafka", metadata }] };
  return { kind: "ScaledObject", metadata: { name: of }, spec };
};
const variables = { LEDGER_SHARDS: "1", BROKER_TOPIC: "events", BROKER_GROUP: "lag" };
const env = Object.entries(variables).map(([name, value]) => ({ name, value }));
const graph = withContainer({ args: ["start", "projections", "graph"], env });

test("production scales projections on their lag", () => {
  const azure: unknown = parse(read("values-azure.yaml"));
  expect(at(azure, "projections", "autoscaling", "enabled")).toBe(true);
  expect(chartFaults([denies, graph, scaler({})])).toEqual([]);
});

test("an object that follows the rules has no fault", () => {
  expect(chartFaults([denies, deployment(pod)])).toEqual([]);
});

test.each<[string, readonly object[]]>([
  ["Deployment q: has no readinessProbe", [denies, withContainer({ readinessProbe: undefined })]],
  ["Deployment q: has no preStop", [denies, withContainer({ lifecycle: undefined })]],
  ["Deployment q: has no memory limits", [denies, withContainer({ resources: { requests: { memory: "1Gi" } } })]],
  ["Deployment q: has an image without a version", [denies, withContainer({ image: "payledger" })]],
  ["Deployment q: has GRAPH_KEY in clear", [denies, withContainer({ env: [{ name: "GRAPH_KEY", value: "x" }] })]],
  [
    "Deployment q: may run as root",
    [denies, deployment({ ...pod, securityContext: { ...pod.securityContext, runAsUser: 0 } })],
  ],
  ["Deployment q: is not spread over nodes", [denies, deployment({ ...pod, topologySpreadConstraints: [] })]],
  ["no NetworkPolicy denies by default", [deployment(pod)]],
  ["NetworkPolicy p: has open egress", [policy({ egress: [{ to: [], ports: [{ port: 1 }] }] })]],
  [
    "NetworkPolicy p: has open egress",
    [policy({ egress: [{ to: [{ ipBlock: { cidr: "0.0.0.0/0" } }], ports: [{ port: 443 }] }] })],
  ],
  ["ScaledObject q: may start more pods than partitions", [denies, graph, scaler({ max: 2 })]],
  ["ScaledObject q: watches another group than its pods commit to", [denies, graph, scaler({ group: "lag-models" })]],
  ["ScaledObject q: watches another topic than its pods read", [denies, graph, scaler({ topic: "others" })]],
  ["NetworkPolicy p: has open ingress", [policy({ ingress: [{ ports: [{ port: 1 }] }] })]],
])("%s", (fault, objects) => {
  expect(chartFaults(objects)).toEqual([fault]);
});

test("planted mistakes of templates can still be planted", () => {
  for (const mistake of planted)
    if ("file" in mistake) expect(read(`templates/${mistake.file}`), mistake.name).toContain(mistake.replace[0]);
});
