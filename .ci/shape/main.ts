import { resolve } from "node:path";
import { pathOf } from "./path.ts";
import { entered } from "./server.ts";
import { figuresOf } from "./tree.ts";

/**
 * Measures the shape of a checkout, this one or another: what one payment and one query enter, how long files and
 * functions are, and which imports form a circle. The same script measures both sides of a comparison.
 * `--files` also lists the entered files, each with its lines, exported types and entered functions.
 */
const root = resolve(process.argv[2] ?? resolve(import.meta.dirname, "../.."));
const figures = figuresOf(root);
const functions = await entered(root);
const path = pathOf(root, functions);

const rows: readonly (readonly [string, string | number])[] = [
  ["files entered by one payment and one query", path.files.length],
  ["functions entered", path.functions],
  ...path.packages.map(
    ({ name, files, functions }) => [`entered in ${name}`, `${functions} in ${files} files`] as const,
  ),
  ["types exported by these files", path.types],
  ["lines of these files, median", path.medianLines],
  ...figures.packages.map(
    ({ name, files, lines }) => [`lines of ${name}, without tests`, `${lines} in ${files} files`] as const,
  ),
  ["lines of all sources, without tests", figures.lines],
  ["lines of tests", figures.testLines],
  ["lines of a source file, median", figures.medianLines],
  ["files over 200 lines", figures.longFiles],
  ["functions over 70 lines", figures.longFunctions.length],
  ["import circles, type imports not counted", figures.circles.length],
  ["import circles, type imports counted", figures.circlesWithTypes.length],
];
for (const [name, value] of rows) console.log(`${name.padEnd(52)} ${value}`);
for (const place of figures.longFunctions) console.log(`over 70 lines: ${place}`);
for (const circle of figures.circles) console.log(`circle: ${circle.join(" ")}`);
for (const circle of figures.circlesWithTypes) console.log(`circle of types: ${circle.join(" ")}`);
if (process.argv.includes("--files"))
  for (const { file, lines, types, functions } of path.files)
    console.log(`${file}: ${lines} lines, ${types} types, ${functions.length} functions: ${functions.join(" ")}`);
