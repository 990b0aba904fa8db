import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { isNode, type Node, parseSource, visit } from "./syntax.ts";

/** The parts of a source file that the rules check. Lines count from 1. */
export type Source = {
  /** Relative to the root, with slashes. */
  readonly path: string;
  /** `specifier` null: a dynamic import whose target is not a literal. */
  readonly imports: readonly { readonly specifier: string | null; readonly line: number }[];
  readonly environmentLines: readonly number[];
  readonly defaultExportLines: readonly number[];
};

const folders = new Set([".ci"]);

/**
 * Paths of all TypeScript sources under a root, sorted; hidden folders other than `.ci`, and node_modules, are not
 * entered.
 */
export function listSources(root: string): string[] {
  const paths: string[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (entry.name === "node_modules" || (entry.name.startsWith(".") && !folders.has(path))) continue;
        walk(path);
      } else if (/\.[cm]?ts$/.test(entry.name)) paths.push(path);
    }
  };
  walk("");
  return paths.map((path) => path.split(sep).join("/")).sort();
}

/**
 * Parses a file with a real parser, so that strings and comments that look like imports are none. @throws on a syntax
 * error
 */
export function readSource(root: string, path: string): Source {
  const text = readFileSync(join(root, path), "utf8");
  const imports: { specifier: string | null; line: number }[] = [];
  const environmentLines: number[] = [];
  const defaultExportLines: number[] = [];
  visit(parseSource(path, text), (node) => {
    const line = lineAt(text, node.start);
    const type = node.type;
    if (type === "ExportDefaultDeclaration") defaultExportLines.push(line);
    if (isEnvironment(node)) environmentLines.push(line);
    const source = node.source;
    if (isNode(source)) imports.push({ specifier: literal(source), line });
    if (type === "CallExpression" && isNode(node.callee) && node.callee.name === "require") {
      const [first] = Array.isArray(node.arguments) ? node.arguments : [];
      imports.push({ specifier: isNode(first) ? literal(first) : null, line });
    }
  });
  return { path, imports, environmentLines, defaultExportLines };
}

function literal(node: Node): string | null {
  return node.type === "Literal" && typeof node.value === "string" ? node.value : null;
}

/** `process.env`, however it is reached: the member, or the name `env` taken from the module or the object. */
function isEnvironment(node: Node): boolean {
  if (node.type === "MemberExpression") return isNamed(node.object, "process") && isNamed(node.property, "env");
  if (node.type === "ImportDeclaration" && isNode(node.source)) {
    const source = literal(node.source);
    if (source !== "process" && source !== "node:process") return false;
    const names = Array.isArray(node.specifiers) ? node.specifiers : [];
    return names.some((name) => isNode(name) && isNamed(name.imported, "env"));
  }
  if (node.type === "VariableDeclarator" && isNamed(node.init, "process") && isNode(node.id)) {
    const fields = Array.isArray(node.id.properties) ? node.id.properties : [];
    return fields.some((field) => isNode(field) && isNamed(field.key, "env"));
  }
  return false;
}

function isNamed(node: unknown, name: string): boolean {
  return isNode(node) && (node.name === name || node.value === name);
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let i = text.indexOf("\n"); i !== -1 && i < offset; i = text.indexOf("\n", i + 1)) line++;
  return line;
}
