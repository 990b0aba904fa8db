import { median, readShape } from "./source-shape.ts";

/** A function as V8 counts it: its file, relative to the root, and where it begins. */
export type EnteredFunction = { readonly file: string; readonly start: number; readonly name: string };

/** An entered file, and its entered functions in the order of the file. */
export type EnteredFile = {
  readonly file: string;
  readonly lines: number;
  readonly types: number;
  readonly functions: readonly string[];
};

export type EnteredPath = {
  readonly files: readonly EnteredFile[];
  readonly functions: number;
  readonly packages: readonly { readonly name: string; readonly files: number; readonly functions: number }[];
  /** Types that the entered files export: what a reader of the path must know by name. */
  readonly types: number;
  readonly medianLines: number;
};

export function pathOf(root: string, functions: readonly EnteredFunction[]): EnteredPath {
  const byFile = [...Map.groupBy(functions, ({ file }) => file)].sort(([a], [b]) => (a < b ? -1 : 1));
  const files = byFile.map(([file, own]) => {
    const { lines, exportedTypes } = readShape(root, file);
    const inOrder = own.toSorted((a, b) => a.start - b.start);
    return { file, lines, types: exportedTypes, functions: inOrder.map(({ name }) => name || "=>") };
  });
  return {
    files,
    functions: functions.length,
    packages: packagesOf(functions),
    types: files.reduce((sum, { types }) => sum + types, 0),
    medianLines: median(files.map(({ lines }) => lines)),
  };
}

function packagesOf(functions: readonly EnteredFunction[]): EnteredPath["packages"] {
  const packages = Map.groupBy(functions, ({ file }) => file.split("/")[0] ?? "");
  return [...packages].sort().map(([name, own]) => {
    return { name, files: new Set(own.map(({ file }) => file)).size, functions: own.length };
  });
}
