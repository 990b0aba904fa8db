import { expect, test } from "vitest";
import { type Exceptions, parse, untidyPlaces } from "./tidy-rules.ts";

const none: Exceptions = { wide: [], stateful: {}, sharedTypeNames: [] };

function faultsOf(sources: Record<string, string>, exceptions: Partial<Exceptions> = {}): string[] {
  const files = Object.entries(sources).map(([path, text]) => parse(path, text));
  return untidyPlaces(files, { ...none, ...exceptions }).map(({ path, line, rule }) => `${path}:${line}: ${rule}`);
}

const wide = "a line has at most 120 characters, comments included";
const state = "a module keeps no state: pass it in, or list the module with its reason in .ci/tidy-exceptions.ts";

test("a line of 121 characters is too wide, a comment's as well", () => {
  const text = `// ${"x".repeat(117)}\n// ${"x".repeat(118)}\nexport const a = "${"x".repeat(101)}";\n`;
  expect(faultsOf({ "core/src/a.ts": text })).toEqual([`core/src/a.ts:2: ${wide}`, `core/src/a.ts:3: ${wide}`]);
  expect(faultsOf({ "core/src/a.test.ts": text })).toHaveLength(2);
});

test.each([
  "let last = 0;",
  "export let last = 0;",
  "const known = new Map<string, number>();",
  "export const known: Set<string> = new Set();",
  "const known = new WeakMap();",
  "const a = 1, known = new WeakSet();",
])("%s at the top of a module is state", (text) => {
  expect(faultsOf({ "core/src/a.ts": `// above\n${text}` })).toEqual([`core/src/a.ts:2: ${state}`]);
  expect(faultsOf({ "core/src/a.test.ts": text, "core/src/testing/a.ts": text, "all/test/a.ts": text })).toEqual([]);
});

test.each([
  "const known = new Map([['a', 1]]);",
  "const known = new Set(['a']);",
  "export const limit = 7;",
  "export function f() { let last = 0; const seen = new Set(); return [last, seen]; }",
  "export class A { #seen = new Set(); }",
])("%s is none", (text) => {
  expect(faultsOf({ "core/src/a.ts": text })).toEqual([]);
});

test("an exported type name has one meaning, in tests too", () => {
  const sources = {
    "core/src/a.ts": "export type Batch = 1; type Local = 1;",
    "core/src/b.ts": "export type { Batch } from './a.ts'; type Local = 2; const Batch = 3;",
    "core/src/c.ts": "// above\nexport interface Batch { a: 1 }",
    "core/test/d.ts": "export class Batch {}",
  };
  const rule = "Batch is the name of another type in core/src/a.ts: rename one";
  expect(faultsOf(sources)).toEqual([`core/src/c.ts:2: ${rule}`, `core/test/d.ts:1: ${rule}`]);
});

test("what is listed as an exception is no fault, file by file or by folder", () => {
  const sources = {
    "core/src/a.ts": `// ${"x".repeat(200)}\nlet last = 0;\nexport type Batch = 1;`,
    "core/src/b.ts": `// ${"x".repeat(200)}`,
    "other/src/b.ts": `// ${"x".repeat(200)}\nexport type Batch = 2;`,
  };
  const stateful = { "core/src/a.ts": "numbers its files" };
  expect(faultsOf(sources, { wide: ["core/", "other/src/b.ts"], stateful, sharedTypeNames: ["Batch"] })).toEqual([]);
  expect(faultsOf(sources, { wide: ["core/"], stateful, sharedTypeNames: ["Batch"] })).toEqual([
    `other/src/b.ts:1: ${wide}`,
  ]);
});

test("an exception that nothing needs is a fault, so that the lists only shrink", () => {
  const sources = { "core/src/a.ts": "export type Batch = 1;" };
  const exceptions = { wide: ["core/"], stateful: { "core/src/a.ts": "", "gone.ts": "" }, sharedTypeNames: ["Batch"] };
  const remove = (what: string) => `.ci/tidy-exceptions.ts:1: remove ${what}: nothing needs it`;
  expect(faultsOf(sources, exceptions)).toEqual(["core/", "core/src/a.ts", "gone.ts", "Batch"].map(remove));
});

test("a file that cannot be parsed is reported, not passed over", () => {
  expect(() => parse("core/src/a.ts", "const = 1;")).toThrow();
});
