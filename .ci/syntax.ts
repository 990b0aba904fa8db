import { parseAst } from "vitest/node";

/** A node of a syntax tree (ESTree with TypeScript). */
export type Node = {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
};

/** @throws on a syntax error */
export function parseSource(path: string, text: string): unknown {
  return parseAst(text, { lang: "ts" }, path);
}

/** A field of a node as a node; undefined when it is none. */
export function nodeOf(value: unknown): Node | undefined {
  return isNode(value) ? value : undefined;
}

/** A field of a node as a list of nodes; empty when it is none. */
export function nodesOf(value: unknown): Node[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** Calls `see` for every node below a value, parents first. */
export function visit(value: unknown, see: (node: Node) => void): void {
  if (Array.isArray(value)) for (const item of value) visit(item, see);
  else if (isNode(value)) {
    see(value);
    for (const child of Object.values(value)) visit(child, see);
  }
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}
