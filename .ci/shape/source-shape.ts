import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isNode, type Node, parseSource, visit } from "../syntax.ts";

export type SourceShape = {
  readonly file: string;
  readonly lines: number;
  readonly exportedTypes: number;
  /** Functions over 70 lines, as `file:line (lines)`. */
  readonly longFunctions: readonly string[];
  readonly imports: readonly { readonly specifier: string; readonly typeOnly: boolean }[];
};

const FUNCTION_LINES_MAX = 70;
const functionTypes = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);
const typeDeclarations = new Set(["TSTypeAliasDeclaration", "TSInterfaceDeclaration", "ClassDeclaration"]);

/** @throws on a syntax error */
export function readShape(root: string, file: string): SourceShape {
  const text = readFileSync(join(root, file), "utf8");
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  const lineOf = (offset: number) => starts.findLastIndex((start) => start <= offset) + 1;
  const longFunctions: string[] = [];
  const imports: { specifier: string; typeOnly: boolean }[] = [];
  let exportedTypes = 0;
  visit(parseSource(file, text), (node) => {
    if (functionTypes.has(node.type)) {
      const lines = lineOf(node.end - 1) - lineOf(node.start) + 1;
      if (lines > FUNCTION_LINES_MAX) longFunctions.push(`${file}:${lineOf(node.start)} (${lines})`);
    }
    if (node.type === "ExportNamedDeclaration" && isNode(node.declaration))
      if (typeDeclarations.has(node.declaration.type)) exportedTypes++;
    if (isNode(node.source) && typeof node.source.value === "string")
      imports.push({ specifier: node.source.value, typeOnly: isTypeOnly(node) });
  });
  return { file, lines: starts.length - 1, exportedTypes, longFunctions, imports };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Whether an import or re-export disappears when types are stripped. */
function isTypeOnly(node: Node): boolean {
  if (node.importKind === "type" || node.exportKind === "type") return true;
  const specifiers = Array.isArray(node.specifiers) ? node.specifiers.filter(isNode) : [];
  return specifiers.length > 0 && specifiers.every((one) => one.importKind === "type" || one.exportKind === "type");
}
