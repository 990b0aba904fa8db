import { posix } from "node:path";
import type { Source } from "./sources.ts";

/** A place that breaks a rule, and the rule in words. */
export type Fault = { readonly path: string; readonly line: number; readonly rule: string };

/** From the package.json files: the dependencies and entry files of each workspace, and the root's own. */
export type Packages = {
  readonly workspaces: ReadonlyMap<string, { dependencies: ReadonlySet<string>; entries: ReadonlySet<string> }>;
  readonly rootDependencies: ReadonlySet<string>;
};

/** Which other workspaces a workspace may import; CONTRIBUTING.md has the same table. */
const mayImport: Readonly<Record<string, readonly string[] | "all">> = {
  "ledger-core": [],
  "command-service": ["ledger-core"],
  "projection-workers": ["ledger-core"],
  // The export also brings back what is computed from it.
  "query-service": ["ledger-core", "analytics-export"],
  // The export is a projection: it runs on the consumer of the projections.
  "analytics-export": ["ledger-core", "projection-workers"],
  standalone: ["ledger-core", "command-service", "projection-workers", "query-service", "analytics-export"],
  simulation: "all",
  cli: "all",
  bench: "all",
};

/** Further imports of tests: queries are tested on rows of projections, and projections by queries of their rows. */
const testsMayImport: Readonly<Record<string, readonly string[]>> = {
  "query-service": ["projection-workers"],
  "projection-workers": ["query-service"],
};

/** Clients of the engines: only adapters know them. */
const drivers = new Set([
  ...["node:sqlite", "mysql2", "ioredis", "redis", "gremlin"],
  ...["kafkajs", "@platformatic/kafka", "@eventstore/db-client"],
  ...["@opentelemetry/sdk-trace", "@opentelemetry/exporter-trace-otlp-http"],
]);
/** Folders beside adapters/ that know an engine: the decision state is a file of its own, and no port's store. */
const driverFolders: readonly string[] = ["command-service/src/state/", "simulation/", "bench/"];

const CORE = "ledger-core/src/";
/** The pure folders of ledger-core, and which of them each may import. Its other folders may touch the world. */
const pureFolders: Readonly<Record<string, readonly string[]>> = {
  domain: ["domain"],
  ports: ["ports", "domain"],
  codec: ["codec", "ports", "domain"],
  wire: ["wire", "domain"],
};
/** Pure too: the package's root, and the read models' rows, which are types alone. */
const pureFiles = new Set([`${CORE}index.ts`, `${CORE}sql/tables.ts`]);
const PURE = "the pure part of ledger-core imports nothing from outside";
const ENVIRONMENT_FILE = "ledger-core/src/process/env.ts";

/** The layers of the command-service, and what each may not import. They meet in the files above them. */
const layers: Readonly<Record<string, readonly string[]>> = {
  "command-service/src/http/": ["command-service/src/writer/", "command-service/src/state/"],
  "command-service/src/writer/": ["command-service/src/http/"],
  "command-service/src/state/": ["command-service/src/http/", "command-service/src/writer/"],
};

/** Every break of the rules in a file, in the order of its lines. */
export function checkSource(source: Source, packages: Packages): Fault[] {
  const faults: Fault[] = [];
  const report = (line: number, rule: string) => faults.push({ path: source.path, line, rule });
  for (const { specifier, line } of source.imports) {
    const rule =
      specifier === null ? "an import names its target as a literal" : brokenBy(source.path, specifier, packages);
    if (rule) report(line, rule);
  }
  if (source.path !== ENVIRONMENT_FILE && !isTest(source.path) && !source.path.startsWith(".ci/"))
    for (const line of source.environmentLines) report(line, `process.env is read only in ${ENVIRONMENT_FILE}`);
  if (!/\.(config|d)\.ts$/.test(source.path))
    for (const line of source.defaultExportLines) report(line, "exports have names: no default export");
  const workspace = packages.workspaces.get(workspaceOf(source.path));
  if (workspace && posix.basename(source.path) === "index.ts" && !workspace.entries.has(source.path))
    report(1, "no barrels: an index.ts exists only where the package's exports name it");
  return faults.sort((a, b) => a.line - b.line);
}

/** The rule that an import breaks; undefined when it breaks none. */
function brokenBy(path: string, specifier: string, packages: Packages): string | undefined {
  if (specifier.startsWith("./") || specifier.startsWith("../")) return relativeRule(path, specifier, packages);
  const target = packageOf(specifier);
  if (packages.workspaces.has(target)) return workspaceRule(path, specifier, target);
  // Bytes are data: a buffer touches nothing outside.
  if (specifier === "node:buffer") return undefined;
  if (isPure(path)) return PURE;
  if (drivers.has(target) && !mayDrive(path)) return `driver ${target} is imported only under adapters/`;
  if (specifier.startsWith("node:")) return undefined;
  return declaredRule(path, target, packages);
}

function relativeRule(path: string, specifier: string, packages: Packages): string | undefined {
  const target = posix.join(posix.dirname(path), specifier);
  const from = workspaceOf(path);
  if (workspaceOf(target) !== from && (packages.workspaces.has(from) || packages.workspaces.has(workspaceOf(target))))
    return "another package is imported by its name, not by a path into it";
  if (isTest(path)) return undefined;
  if (isTest(target)) return "only tests import tests and testing";
  return isPure(path) ? pureRule(path, target) : layerRule(path, target);
}

function pureRule(path: string, target: string): string | undefined {
  const folder = coreFolder(path);
  const allowed = pureFolders[folder];
  if (!allowed) return isPure(target) ? undefined : PURE;
  return allowed.includes(coreFolder(target)) ? undefined : `${CORE}${folder}/ imports only ${allowed.join(", ")}`;
}

function layerRule(path: string, target: string): string | undefined {
  for (const [layer, others] of Object.entries(layers)) {
    const other = path.startsWith(layer) && others.find((folder) => target.startsWith(folder));
    if (other) return `${layer} does not import ${other}`;
  }
  return undefined;
}

function workspaceRule(path: string, specifier: string, target: string): string | undefined {
  const from = workspaceOf(path);
  if (from === target) return "a package imports its own files by path";
  if (isTest(path) && testsMayImport[from]?.includes(target)) return undefined;
  const allowed = mayImport[from] ?? [];
  if (allowed !== "all" && !allowed.includes(target)) {
    const others = allowed.length === 0 ? "no other package" : `only ${allowed.join(", ")}`;
    return `${from} may import ${others}, not ${target}`;
  }
  return specifier === "ledger-core/testing" && !isTest(path) ? "only tests import tests and testing" : undefined;
}

function declaredRule(path: string, target: string, packages: Packages): string | undefined {
  const workspace = packages.workspaces.get(workspaceOf(path));
  if (workspace?.dependencies.has(target)) return undefined;
  const rootAllowed = workspace === undefined || isTest(path);
  if (rootAllowed && packages.rootDependencies.has(target)) return undefined;
  return packages.rootDependencies.has(target)
    ? `${target} is a development dependency: only tests, .ci and configurations import it`
    : `${target} is not a dependency of ${workspace ? workspaceOf(path) : "the root"}`;
}

/** Tests, what they share, and the contract suites that packages export for each other's tests. */
function isTest(path: string): boolean {
  return /\.(test|fixture)\.ts$/.test(path) || /(^|\/)(test|testing)\//.test(path);
}

function isPure(path: string): boolean {
  return !isTest(path) && (pureFiles.has(path) || Object.hasOwn(pureFolders, coreFolder(path)));
}

/** The folder of ledger-core that a file is in; empty for its root and for other packages. */
function coreFolder(path: string): string {
  const [folder = "", ...rest] = path.startsWith(CORE) ? path.slice(CORE.length).split("/") : [];
  return rest.length > 0 ? folder : "";
}

function mayDrive(path: string): boolean {
  return path.includes("/adapters/") || isTest(path) || driverFolders.some((folder) => path.startsWith(folder));
}

function workspaceOf(path: string): string {
  return path.split("/")[0] ?? "";
}

function packageOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}
