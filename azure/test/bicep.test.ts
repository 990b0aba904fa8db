import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, test } from "vitest";

/*
 * Checks without Bicep's compiler, which no registry of this project's machines has: that modules, parameters and
 * outputs fit each other, and what must hold for every service. Nothing here knows Azure's schemas.
 */

const root = resolve(import.meta.dirname, "..");
const files = globSync(["*.bicep", "modules/*.bicep"], { cwd: root }).sort();
const parameterFiles = globSync("*.bicepparam", { cwd: root }).sort();
const read = (file: string) => readFileSync(join(root, file), "utf8");
/** The code without comments. */
const codeOf = (file: string) => read(file).replaceAll(/^\s*\/\/.*$/gm, "");

type Declared = {
  readonly params: readonly string[];
  readonly required: readonly string[];
  readonly outputs: readonly string[];
};

function declarationsOf(code: string): Declared {
  const params = [...code.matchAll(/^param (\w+) \w+(?<default> =)?/gm)];
  return {
    params: params.map(([, name = ""]) => name),
    required: params.filter(({ groups }) => !groups?.default).map(([, name = ""]) => name),
    outputs: [...code.matchAll(/^output (\w+) /gm)].map(([, name = ""]) => name),
  };
}

type Module = { readonly symbol: string; readonly path: string; readonly passed: readonly string[] };

function modulesOf(code: string): Module[] {
  return [...code.matchAll(/^module (\w+) '([^']+)' = \{\n([\s\S]*?)\n\}/gm)].map(
    ([, symbol = "", path = "", body = ""]) => {
      const params = /params: \{([\s\S]*)\}/.exec(body)?.[1] ?? "";
      const outermost = params.replaceAll(/\[[^\]]*\]/g, "[]");
      return { symbol, path, passed: [...outermost.matchAll(/(?:^|[\n,{])\s*(\w+):/g)].map(([, name = ""]) => name) };
    },
  );
}

/** Faults of one file, in words. */
function faultsOf(file: string, code: string): string[] {
  const faults: string[] = [];
  const bare = code.replaceAll(/'(?:[^'\\]|\\.)*'/g, "''");
  for (const [open = "", close = ""] of [
    ["{", "}"],
    ["[", "]"],
    ["(", ")"],
  ] as const)
    if (bare.split(open).length !== bare.split(close).length) faults.push(`${open} and ${close} do not pair`);
  const modules = modulesOf(code);
  for (const { symbol, path, passed } of modules) {
    const target = join(dirname(file), path);
    if (!existsSync(join(root, target))) {
      faults.push(`module ${symbol}: there is no ${path}`);
      continue;
    }
    const { params, required, outputs } = declarationsOf(codeOf(target));
    for (const name of passed)
      if (!params.includes(name)) faults.push(`module ${symbol}: ${path} has no parameter ${name}`);
    for (const name of required) if (!passed.includes(name)) faults.push(`module ${symbol}: ${name} is not given`);
    for (const [, name = ""] of code.matchAll(new RegExp(`\\b${symbol}\\.outputs\\.(\\w+)`, "g")))
      if (!outputs.includes(name)) faults.push(`module ${symbol}: ${path} has no output ${name}`);
  }
  for (const [, symbol = ""] of code.matchAll(/\b(\w+)\.outputs\./g))
    if (!modules.some((module) => module.symbol === symbol)) faults.push(`there is no module ${symbol}`);
  for (const name of declarationsOf(code).params)
    if (code.match(new RegExp(`\\b${name}\\b`, "g"))?.length === 1) faults.push(`parameter ${name} is not used`);
  if (/list(?:Keys|ConnectionStrings)\(/.test(code)) faults.push("a key is read: deployments keep it in their history");
  return faults;
}

test.each(files)("%s: modules, parameters and outputs fit", (file) => {
  expect(faultsOf(file, codeOf(file))).toEqual([]);
});

test.each([
  [
    "a module that is missing",
    "modules/redis.bicep",
    "modules/redix.bicep",
    "module redis: there is no modules/redix.bicep",
  ],
  [
    "an unknown output",
    "redis.outputs.url",
    "redis.outputs.uri",
    "module redis: modules/redis.bicep has no output uri",
  ],
  [
    "an unknown parameter",
    "    sku: redisSku",
    "    skew: redisSku",
    "module redis: modules/redis.bicep has no parameter skew",
  ],
  ["a missing parameter", "    sku: redisSku\n", "", "module redis: sku is not given"],
  ["an open brace", "  name: 'redis'\n  params: {", "  name: 'redis'\n  params: {{", "{ and } do not pair"],
])("planted: %s is found", (_what, from, to, fault) => {
  const changed = codeOf("main.bicep").replaceAll(from, to);
  expect(faultsOf("main.bicep", changed)).toContain(fault);
});

test.each(parameterFiles)("%s sets what main.bicep requires, and nothing else", (file) => {
  const { params, required } = declarationsOf(codeOf("main.bicep"));
  const set = [...codeOf(file).matchAll(/^param (\w+) =/gm)].map(([, name = ""]) => name);
  expect(set.filter((name) => !params.includes(name))).toEqual([]);
  expect(required.filter((name) => !set.includes(name))).toEqual([]);
  expect(read(file)).toMatch(/^using 'main.bicep'$/m);
});

test("no store has a public address, and every role names what it is for", () => {
  for (const file of ["key-vault", "event-hubs", "gremlin", "lake"].map((name) => `modules/${name}.bicep`)) {
    expect(codeOf(file), file).toContain("publicNetworkAccess: 'Disabled'");
    expect(codeOf(file), file).toContain("'private-endpoint.bicep'");
  }
  for (const file of files) {
    const roles = [...read(file).matchAll(/'Microsoft\.Authorization\/roleDefinitions', '[0-9a-f-]{36}'/g)];
    if (roles.length > 0) expect(read(file), file).toMatch(/\/\/ (?:Azure|Storage|Key Vault) [\w ,]+/);
    for (const [, version = ""] of read(file).matchAll(/@(\d{4}-\d\d-\d\d\S*)'/g))
      expect(version).toMatch(/^\d{4}-\d\d-\d\d$/);
  }
});
