import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readShape } from "./source-shape.ts";
import { figuresOf } from "./tree.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "payledger-shape-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

test("an import circle is found across packages, and one of types by itself", () => {
  write("one/package.json", '{ "exports": { ".": "./src/index.ts" } }');
  write("one/src/index.ts", 'export * from "./a.ts";\n');
  write("one/src/a.ts", 'import { b } from "../../two/src/b.ts";\nexport const a = () => b;\n');
  write("two/src/b.ts", 'import { a } from "one";\nexport const b = () => a;\n');
  write("two/src/c.ts", 'import type { D } from "./d.ts";\nexport type C = D;\n');
  write("two/src/d.ts", 'import { type C } from "./c.ts";\nexport type D = C | null;\n');
  const ofValues = ["one/src/a.ts", "one/src/index.ts", "two/src/b.ts"];
  const { circles, circlesWithTypes } = figuresOf(root);
  expect(circles).toEqual([ofValues]);
  expect(circlesWithTypes).toEqual([ofValues, ["two/src/c.ts", "two/src/d.ts"]]);
});

test("lines are counted by package, tests by themselves", () => {
  write("one/src/a.ts", "1;\n2;\n3;\n");
  write("one/src/a.test.ts", "1;\n2;\n");
  write("one/src/testing/suite.ts", "1;\n");
  write("two/src/simulation/world.ts", "1;\n");
  const { packages, lines, testLines } = figuresOf(root);
  expect(packages).toEqual([
    { name: "one", files: 1, lines: 3 },
    { name: "simulation", files: 1, lines: 1 },
  ]);
  expect([lines, testLines]).toEqual([4, 3]);
});

test("exported types and functions over 70 lines are told, shorter ones are not", () => {
  const body = (lines: number) => `{\n${"  work();\n".repeat(lines - 2)}}\n`;
  write("one/src/a.ts", `export type A = 1;\nexport interface B {}\ntype C = 2;\nfunction f() ${body(71)}`);
  write("one/src/b.ts", `const g = () => ${body(70)}`);
  expect(readShape(root, "one/src/a.ts")).toMatchObject({ exportedTypes: 2, longFunctions: ["one/src/a.ts:4 (71)"] });
  expect(readShape(root, "one/src/b.ts")).toMatchObject({ exportedTypes: 0, longFunctions: [] });
});
