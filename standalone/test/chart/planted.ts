import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chartFolder, objectsOf, render, withValues } from "./chart.ts";
import { chartFaults } from "./rules.ts";

/** A mistake in values or in a template, and what must refuse it, in these words. */
export type Planted = { readonly name: string; readonly refused: RegExp } & (
  | { readonly set: readonly string[]; readonly values?: "values-dev.yaml" }
  | { readonly file: string; readonly replace: readonly [string, string] }
);

export const planted: readonly Planted[] = [
  { name: "an unknown key", set: ["--set", "replicaz=3"], refused: /replicaz/ },
  { name: "an unknown key below another", set: ["--set", "queryService.replicas2=3"], refused: /replicas2/ },
  { name: "a secret in values", set: ["--set", "eventLog.password=secret"], refused: /password/ },
  {
    name: "a secret among the settings",
    set: ["--set", "mirror.settings.BROKER_PASSWORD=secret"],
    refused: /mirror\.settings\.BROKER_PASSWORD is a secret/,
  },
  {
    name: "a secret in a URL",
    set: ["--set", "readModel.url=mysql://user:secret@db:3306/ledger"],
    refused: /readModel\.url holds credentials/,
  },
  {
    name: "open egress in values",
    set: ["--set", "networkPolicy.egress.broker.cidrs={0.0.0.0/0}"],
    refused: /egress\.broker\.cidrs has 0\.0\.0\.0\/0: that is open egress/,
  },
  { name: "no version of the image", set: ["--set", "image.tag=latest"], refused: /image\.tag is latest/ },
  { name: "a short grace", set: ["--set", "graceSeconds=15"], refused: /graceSeconds is 15: it must be longer/ },
  { name: "no event log", set: ["--set", "eventLog.url="], refused: /eventLog\.url is empty/ },
  { name: "no shared limits", set: ["--set", "limits.url="], refused: /limits\.url is empty/ },
  { name: "two sources of secrets", set: ["--set", "secrets.existingSecret=mine"], refused: /exclude each other/ },
  { name: "an issuer without an audience", set: ["--set", "identity.audience="], refused: /identity\.audience/ },
  { name: "a password in clear", set: ["--set", "broker.tls=false"], refused: /broker\.tls is false/ },
  {
    name: "an identity that no pod has",
    set: ["--set", "workloadIdentity.enabled=false"],
    refused: /export\.login identity needs workloadIdentity\.enabled/,
  },
  {
    name: "gold tables that no pod can reach",
    set: ["--set", "networkPolicy.egress.goldTables.cidrs=null"],
    refused: /goldTables/,
  },
  {
    name: "a token in the gold tables' URL",
    set: ["--set", "goldTables.url=databricks://token:secret@host/1/payledger/gold"],
    refused: /goldTables\.url holds credentials/,
  },
  { name: "two shards", set: ["--set", "shards=2"], refused: /shards is more than 1/ },
  {
    name: "an engine that no pod can reach",
    set: ["--set", "networkPolicy.egress.graph.cidrs=null"],
    refused: /graph/,
  },
  {
    name: "engines of an embedded ledger",
    values: "values-dev.yaml",
    set: ["--set", "broker.url=kafka://b:9093"],
    refused: /broker\.url is set, but mode embedded uses no engines/,
  },
  {
    name: "a missing probe",
    file: "_pod.tpl",
    replace: [
      "      readinessProbe:\n        httpGet: { path: /readyz, port: {{ $port }} }\n        periodSeconds: 5\n",
      "      unready:\n",
    ],
    refused: /has no readinessProbe/,
  },
  {
    name: "a root user",
    file: "_helpers.tpl",
    replace: ["runAsNonRoot: true\nrunAsUser: 65532", "runAsUser: 0"],
    refused: /may run as root/,
  },
  {
    name: "a writable root file system",
    file: "_helpers.tpl",
    replace: ["readOnlyRootFilesystem: true\n", ""],
    refused: /may write to its root file system/,
  },
  { name: "capabilities", file: "_helpers.tpl", replace: ["{ drop: [ALL] }", "{}"], refused: /keeps capabilities/ },
  {
    name: "open egress in a template",
    file: "network-policies.yaml",
    replace: ["  egress:\n    # DNS.\n", "  egress:\n    - {}\n    # DNS.\n"],
    refused: /has open egress/,
  },
  {
    name: "no default denial",
    file: "network-policies.yaml",
    replace: ["  policyTypes: [Ingress, Egress]\n{{- range $service", "  policyTypes: [Ingress]\n{{- range $service"],
    refused: /no NetworkPolicy denies by default/,
  },
  {
    name: "more pods than partitions",
    file: "scaled-objects.yaml",
    replace: ["maxReplicaCount: {{ $.Values.shards }}", "maxReplicaCount: 5"],
    refused: /may start more pods than partitions/,
  },
  {
    name: "a secret in a variable",
    file: "_settings.tpl",
    replace: ["- name: LEDGER_LOG_LEVEL\n", "- name: EVENT_LOG_PASSWORD\n  value: secret\n- name: LEDGER_LOG_LEVEL\n"],
    refused: /has EVENT_LOG_PASSWORD in clear/,
  },
];

/** How a mistake is refused; @throws if it is not, or for another reason */
export async function refusalOf(helm: string, mistake: Planted): Promise<string> {
  const text = "set" in mistake ? await refusedValues(helm, mistake) : await refusedTemplate(helm, mistake);
  const line = text.split("\n").find((one) => mistake.refused.test(one));
  if (line === undefined) throw new Error(`${mistake.name} is not refused by name:\n${text.slice(0, 2000)}`);
  return line.trim();
}

async function refusedValues(helm: string, mistake: Extract<Planted, { set: readonly string[] }>): Promise<string> {
  const { code, stderr } = await render(helm, [...withValues(mistake.values ?? "values-azure.yaml"), ...mistake.set]);
  return code === 0 ? "nothing refuses it" : stderr;
}

async function refusedTemplate(helm: string, mistake: Extract<Planted, { file: string }>): Promise<string> {
  const copy = mkdtempSync(join(tmpdir(), "payledger-chart-"));
  try {
    cpSync(chartFolder, copy, { recursive: true });
    const file = join(copy, "templates", mistake.file);
    const text = readFileSync(file, "utf8");
    const [from, to] = mistake.replace;
    if (!text.includes(from)) throw new Error(`${mistake.name} cannot be planted: ${mistake.file} lacks ${from}`);
    writeFileSync(file, text.replace(from, to));
    const { code, stdout, stderr } = await render(helm, withValues("values-azure.yaml"), copy);
    return code === 0 ? chartFaults(objectsOf(stdout)).join("\n") : stderr;
  } finally {
    rmSync(copy, { recursive: true });
  }
}
