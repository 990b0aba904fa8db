import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { checkSource, type Fault, type Packages } from "./import-rules.ts";
import { importCircles } from "./shape/tree.ts";
import { listSources, readSource } from "./sources.ts";

/** Every break of the import rules under a root. */
export function checkTree(root: string): { readonly faults: readonly Fault[]; readonly files: number } {
  const packages = readPackages(root);
  const paths = listSources(root);
  const faults = paths.flatMap((path) => checkSource(readSource(root, path), packages));
  return { faults: [...faults, ...circleFaults(root)], files: paths.length };
}

function circleFaults(root: string): Fault[] {
  return importCircles(root).map(([path = "", ...others]) => ({
    path,
    line: 1,
    rule: `imports run in a circle with ${others.join(", ")}`,
  }));
}

function readPackages(root: string): Packages {
  const manifest = readManifest(root, "package.json");
  const workspaces: Packages["workspaces"] = new Map(
    strings(manifest.workspaces).map((name) => {
      const own = readManifest(root, `${name}/package.json`);
      const entries = Object.values(record(own.exports)).map((file) => join(name, String(file)));
      return [name, { dependencies: new Set(Object.keys(record(own.dependencies))), entries: new Set(entries) }];
    }),
  );
  const rootDependencies = new Set(
    [manifest.dependencies, manifest.devDependencies].flatMap((list) => Object.keys(record(list))),
  );
  return { workspaces, rootDependencies };
}

function readManifest(root: string, path: string): Record<string, unknown> {
  const file = join(root, path);
  return existsSync(file) ? record(JSON.parse(readFileSync(file, "utf8"))) : {};
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

if (import.meta.main) {
  const { faults, files } = checkTree(resolve(import.meta.dirname, ".."));
  for (const { path, line, rule } of faults) console.error(`${path}:${line}: ${rule}`);
  console.log(`imports: ${files} files, ${faults.length} faults`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
