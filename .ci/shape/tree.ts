import { existsSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { listSources } from "../sources.ts";
import { median, readShape, type SourceShape } from "./source-shape.ts";

export type TreeFigures = {
  readonly packages: readonly { readonly name: string; readonly files: number; readonly lines: number }[];
  readonly lines: number;
  readonly testLines: number;
  readonly medianLines: number;
  readonly longFiles: number;
  readonly longFunctions: readonly string[];
  readonly circles: readonly (readonly string[])[];
  readonly circlesWithTypes: readonly (readonly string[])[];
};

const LONG_FILE_LINES = 200;

export function figuresOf(root: string): TreeFigures {
  const shapes = listSources(root).map((file) => readShape(root, file));
  const sources = shapes.filter(({ file }) => isPart(file));
  const packages = Map.groupBy(sources, ({ file }) => packageOf(file));
  return {
    packages: [...packages].map(([name, own]) => ({ name, files: own.length, lines: sumOfLines(own) })),
    lines: sumOfLines(sources),
    testLines: sumOfLines(shapes.filter(({ file }) => isTest(file))),
    medianLines: median(sources.map(({ lines }) => lines)),
    longFiles: sources.filter(({ lines }) => lines > LONG_FILE_LINES).length,
    longFunctions: sources.flatMap(({ longFunctions }) => longFunctions),
    circles: circlesIn(graphOf(root, sources, false)),
    circlesWithTypes: circlesIn(graphOf(root, sources, true)),
  };
}

/** Files of the packages that import each other in a circle, types included. */
export function importCircles(root: string): string[][] {
  const files = listSources(root).filter(isPart);
  return circlesIn(
    graphOf(
      root,
      files.map((file) => readShape(root, file)),
      true,
    ),
  );
}

/** Whether a file is a source of a package: neither a test nor a tool of the build. */
function isPart(file: string): boolean {
  return !isTest(file) && !file.startsWith(".ci/") && file.includes("/");
}

function isTest(file: string): boolean {
  return /\.(test|fixture)\.ts$/.test(file) || /(^|\/)(test|testing)\//.test(file);
}

/** The simulation counts by itself, wherever it is. */
function packageOf(file: string): string {
  return /(^|\/)simulation\//.test(file) ? "simulation" : (file.split("/")[0] ?? "");
}

function sumOfLines(shapes: readonly SourceShape[]): number {
  return shapes.reduce((sum, { lines }) => sum + lines, 0);
}

type Graph = ReadonlyMap<string, readonly string[]>;

function graphOf(root: string, sources: readonly SourceShape[], withTypes: boolean): Graph {
  const entries = packageEntries(root, sources);
  const targetOf = (file: string, specifier: string) =>
    specifier.startsWith(".") ? posix.join(posix.dirname(file), specifier) : entries.get(specifier);
  return new Map(
    sources.map(({ file, imports }) => {
      const targets = imports
        .filter(({ typeOnly }) => withTypes || !typeOnly)
        .map(({ specifier }) => targetOf(file, specifier));
      return [file, targets.filter((target) => target !== undefined)];
    }),
  );
}

/** The file behind each import specifier of our own packages. */
function packageEntries(root: string, sources: readonly SourceShape[]): ReadonlyMap<string, string> {
  const names = new Set(sources.map(({ file }) => file.split("/")[0] ?? ""));
  const entries = [...names].flatMap((name) => {
    const manifest = join(root, name, "package.json");
    if (!existsSync(manifest)) return [];
    const { exports = {} }: { exports?: Record<string, string> | string } = JSON.parse(readFileSync(manifest, "utf8"));
    const all = typeof exports === "string" ? { ".": exports } : exports;
    return Object.entries(all).map(([path, file]) => [posix.join(name, path), posix.join(name, file)] as const);
  });
  return new Map(entries);
}

/** Groups of files that import each other, directly or through others: Tarjan's strongly connected components. */
function circlesIn(graph: Graph): string[][] {
  const indexes = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const walk = (file: string): number => {
    const index = indexes.size;
    indexes.set(file, index);
    stack.push(file);
    let low = index;
    for (const target of graph.get(file) ?? []) {
      const known = indexes.get(target);
      if (known === undefined) low = Math.min(low, walk(target));
      else if (stack.includes(target)) low = Math.min(low, known);
    }
    if (low !== index) return low;
    const members = stack.splice(stack.indexOf(file));
    if (members.length > 1) circles.push(members.sort());
    return low;
  };
  for (const file of graph.keys()) if (!indexes.has(file)) walk(file);
  return circles;
}
