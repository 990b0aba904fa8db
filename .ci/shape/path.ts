import { median, readShape } from "./source-shape.ts";

/** A function as V8 counts it: its file, relative to the root, and where it begins. */
export type EnteredFunction = { readonly file: string; readonly start: number; readonly name: string };

export type EnteredPath = {
  readonly files: readonly string[];
  readonly functions: number;
  readonly packages: readonly { readonly name: string; readonly files: number; readonly functions: number }[];
  /** Types that the entered files export: what a reader of the path must know by name. */
  readonly types: number;
  readonly medianLines: number;
};

export function pathOf(root: string, functions: readonly EnteredFunction[]): EnteredPath {
  const files = [...new Set(functions.map(({ file }) => file))].sort();
  const shapes = files.map((file) => readShape(root, file));
  return {
    files,
    functions: functions.length,
    packages: packagesOf(functions),
    types: shapes.reduce((sum, { exportedTypes }) => sum + exportedTypes, 0),
    medianLines: median(shapes.map(({ lines }) => lines)),
  };
}

function packagesOf(functions: readonly EnteredFunction[]): EnteredPath["packages"] {
  const packages = Map.groupBy(functions, ({ file }) => file.split("/")[0] ?? "");
  return [...packages].sort().map(([name, own]) => {
    return { name, files: new Set(own.map(({ file }) => file)).size, functions: own.length };
  });
}
