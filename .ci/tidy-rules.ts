import { type Node, nodeOf, nodesOf, parseSource } from "./syntax.ts";

/** A place that breaks a rule of tidiness, and the rule in words. Lines count from 1. */
export type Untidy = { readonly path: string; readonly line: number; readonly rule: string };

/** A source file and its syntax tree. */
export type Parsed = { readonly path: string; readonly text: string; readonly statements: readonly Node[] };

/** Files and names that a rule does not look at. */
export type Exceptions = {
  /** Paths, or folders that end with a slash, with lines that are too wide. */
  readonly wide: readonly string[];
  /** Modules that keep state, each with the reason. */
  readonly stateful: Readonly<Record<string, string>>;
  /** Names that several files export as types of their own. */
  readonly sharedTypeNames: readonly string[];
};

const WIDTH_MAX = 120;
const WIDE = `a line has at most ${WIDTH_MAX} characters, comments included`;
const STATE = "a module keeps no state: pass it in, or list the module with its reason in .ci/tidy-exceptions.ts";

/** @throws on a syntax error */
export function parse(path: string, text: string): Parsed {
  return { path, text, statements: nodesOf(nodeOf(parseSource(path, text))?.body) };
}

/** Everything untidy in these files. */
export function untidyPlaces(files: readonly Parsed[], exceptions: Exceptions): Untidy[] {
  const sources = files.filter(({ path }) => !isTest(path));
  return [
    ...files.filter(({ path }) => !isWithin(path, exceptions.wide)).flatMap(wideLines),
    ...sources.filter(({ path }) => !Object.hasOwn(exceptions.stateful, path)).flatMap(moduleState),
    ...clashingTypes(files, exceptions.sharedTypeNames),
    ...needless(files, exceptions),
  ];
}

/** The formatter wraps code, but leaves comments and strings as they are. */
function wideLines({ path, text }: Parsed): Untidy[] {
  return text
    .split("\n")
    .flatMap((line, index) => (line.length > WIDTH_MAX ? [{ path, line: index + 1, rule: WIDE }] : []));
}

/** Variables and empty collections that live as long as their module: two ledgers in one process would share them. */
function moduleState({ path, text, statements }: Parsed): Untidy[] {
  return statements.flatMap((statement) => {
    const declaration = statement.type === "ExportNamedDeclaration" ? nodeOf(statement.declaration) : statement;
    if (declaration?.type !== "VariableDeclaration") return [];
    if (declaration.kind === "const" && !nodesOf(declaration.declarations).some(isEmptyCollection)) return [];
    return [{ path, line: lineAt(text, declaration.start), rule: STATE }];
  });
}

/** `new Map()` and its like: one that is given its content at once is a table, not state. */
function isEmptyCollection(declarator: Node): boolean {
  const value = nodeOf(declarator.init);
  if (value?.type !== "NewExpression" || nodesOf(value.arguments).length > 0) return false;
  return /^(Map|Set|WeakMap|WeakSet)$/.test(String(nodeOf(value.callee)?.name));
}

/** Exported type names that have one meaning in one file and another in the next. */
function clashingTypes(files: readonly Parsed[], allowed: readonly string[]): Untidy[] {
  const first = new Map<string, string>();
  return files.flatMap(({ path, text, statements }) =>
    exportedTypes(statements).flatMap(({ name, start }) => {
      const other = first.get(name);
      if (other === undefined) first.set(name, path);
      if (other === undefined || other === path || allowed.includes(name)) return [];
      return [{ path, line: lineAt(text, start), rule: `${name} is the name of another type in ${other}: rename one` }];
    }),
  );
}

function exportedTypes(statements: readonly Node[]): { readonly name: string; readonly start: number }[] {
  return statements.flatMap((statement) => {
    const declaration = statement.type === "ExportNamedDeclaration" ? nodeOf(statement.declaration) : undefined;
    if (!declaration || !/^(TSTypeAlias|TSInterface|Class)/.test(String(declaration.type))) return [];
    return [{ name: String(nodeOf(declaration.id)?.name), start: declaration.start }];
  });
}

/** Exceptions that nothing needs any more. */
function needless(files: readonly Parsed[], { wide, stateful, sharedTypeNames }: Exceptions): Untidy[] {
  const report = (what: string) => ({
    path: ".ci/tidy-exceptions.ts",
    line: 1,
    rule: `remove ${what}: nothing needs it`,
  });
  const clashing = new Set(clashingTypes(files, []).map(({ rule }) => rule.split(" ")[0]));
  const stateless = new Set(files.filter((file) => moduleState(file).length === 0).map(({ path }) => path));
  const known = new Set(files.map(({ path }) => path));
  return [
    ...wide
      .filter((entry) => !files.some((file) => isWithin(file.path, [entry]) && wideLines(file).length > 0))
      .map(report),
    ...Object.keys(stateful)
      .filter((path) => !known.has(path) || stateless.has(path))
      .map(report),
    ...sharedTypeNames.filter((name) => !clashing.has(name)).map(report),
  ];
}

function isWithin(path: string, entries: readonly string[]): boolean {
  return entries.some((entry) => (entry.endsWith("/") ? path.startsWith(entry) : path === entry));
}

/** Tests and what they share may keep state. */
function isTest(path: string): boolean {
  return /\.(test|fixture)\.ts$/.test(path) || /(^|\/)(test|testing)\//.test(path);
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}
