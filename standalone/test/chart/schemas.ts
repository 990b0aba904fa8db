import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { at, listAt, textAt } from "../json.ts";

/**
 * Writes the JSON schemas of the custom resources that a folder defines, where kubeconform looks for them. Unknown
 * fields are refused, since the API server drops them in silence.
 */
export function writeCustomSchemas(definitions: string, target: string): void {
  for (const file of readdirSync(definitions).filter((name) => name.endsWith(".yaml")))
    for (const document of parseAllDocuments(readFileSync(join(definitions, file), "utf8"))) {
      const resource: unknown = document.toJS();
      if (at(resource, "kind") !== "CustomResourceDefinition") continue;
      const [group, kind] = [textAt(resource, "spec", "group"), textAt(resource, "spec", "names", "kind")];
      for (const version of listAt(resource, "spec", "versions")) {
        mkdirSync(join(target, group), { recursive: true });
        const name = `${kind.toLowerCase()}_${textAt(version, "name")}.json`;
        const schema = closed(at(version, "schema", "openAPIV3Schema"));
        writeFileSync(join(target, group, name), JSON.stringify(schema));
      }
    }
}

/** A schema that allows no other than the named properties, wherever it names more than one. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const open = inner["x-kubernetes-preserve-unknown-fields"] === true || "additionalProperties" in inner;
  const named = inner.type === "object" && typeof inner.properties === "object";
  return named && !open ? { ...inner, additionalProperties: false } : inner;
}

/** The kinds of Kubernetes itself that the chart makes. */
const kinds = [
  ...["configmap-v1", "pod-v1", "service-v1", "serviceaccount-v1", "job-batch-v1", "deployment-apps-v1"],
  ...["statefulset-apps-v1", "networkpolicy-networking-v1", "poddisruptionbudget-policy-v1"],
];

/** Writes the strict schemas of these kinds, each complete in one file, from the package kubernetes-validate. */
export function writeKubernetesSchemas(source: string, target: string): void {
  if (!existsSync(source)) throw new RangeError(`there are no schemas in ${source}`);
  const read = (name: string): object => {
    const text = readFileSync(join(source, `${name}.json`), "utf8");
    const { $id, ...schema } = JSON.parse(text.replaceAll('"/api/_definitions.json#/', '"#/'));
    return schema;
  };
  mkdirSync(target, { recursive: true });
  const definitions = at(read("_definitions"), "$defs");
  for (const kind of kinds)
    writeFileSync(join(target, `${kind}.json`), JSON.stringify({ ...read(kind), $defs: definitions }));
}
