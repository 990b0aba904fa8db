import { join, resolve } from "node:path";
import { parseAllDocuments } from "yaml";
import { type ProgramEnd, runProgram } from "../image/programs.ts";

export const chartFolder = resolve(import.meta.dirname, "../../../charts/payledger");
/** The example values of the chart. */
export const valueFiles = ["values-dev.yaml", "values-azure.yaml"] as const;
/** The chart asks for a version of Kubernetes, and helm alone knows none. */
export const KUBERNETES = ["1.36.0", "1.37.0"] as const;

/** `helm template` of the chart or a copy of it. */
export function render(helm: string, args: readonly string[], chart = chartFolder): Promise<ProgramEnd> {
  return runProgram(helm, ["template", "payledger", chart, "--kube-version", KUBERNETES[1], ...args]);
}

export function withValues(file: string): readonly string[] {
  return ["--values", join(chartFolder, file)];
}

/** The objects of rendered manifests. */
export function objectsOf(manifests: string): readonly unknown[] {
  return parseAllDocuments(manifests)
    .map((document): unknown => document.toJS())
    .filter((object) => object !== null);
}
