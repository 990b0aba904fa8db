import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterEach, expect, test } from "vitest";
import { checkTree } from "./imports.ts";

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});

/** A tree with two small workspaces and whatever a test plants in it. */
function plant(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "imports-"));
  roots.push(root);
  const manifests = {
    "package.json": JSON.stringify({
      workspaces: ["ledger-core", "command-service", "query-service", "standalone", "simulation"],
      devDependencies: { vitest: "1.0.0" },
    }),
    "ledger-core/package.json": JSON.stringify({
      exports: { ".": "./src/index.ts", "./sql": "./src/sql/index.ts" },
      dependencies: { knex: "1.0.0", mysql2: "1.0.0", fastify: "1.0.0" },
    }),
    "command-service/package.json": JSON.stringify({ exports: { ".": "./src/index.ts" }, dependencies: {} }),
    "query-service/package.json": JSON.stringify({ exports: { ".": "./src/index.ts" }, dependencies: {} }),
    "standalone/package.json": JSON.stringify({ exports: { ".": "./src/index.ts" }, dependencies: {} }),
  };
  for (const [path, text] of Object.entries({ ...manifests, ...files })) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

function faultsOf(files: Record<string, string>): string[] {
  return checkTree(plant(files)).faults.map(({ path, line, rule }) => `${path}:${line}: ${rule}`);
}

const pure = "the pure part of ledger-core imports nothing from outside";
const onlyTests = "only tests import tests and testing";

test.each<[string, string, string]>([
  ["ledger-core/src/domain/money.ts", 'import "node:fs";', pure],
  ["ledger-core/src/domain/decider/decide.ts", 'import { createHash } from "node:crypto";', pure],
  ["ledger-core/src/ports/event-log.ts", 'import type { DatabaseSync } from "node:sqlite";', pure],
  ["ledger-core/src/ports/graph.ts", 'import type { Knex } from "knex";', pure],
  ["ledger-core/src/codec/json.ts", 'export const x = await import("fastify");', pure],
  [
    "ledger-core/src/domain/evolve.ts",
    'import { decodeEvent } from "../codec/codec.ts";',
    "ledger-core/src/domain/ imports only domain",
  ],
  [
    "ledger-core/src/ports/event-log.ts",
    'import { openSqliteLog } from "../adapters/sqlite/event-log/log.ts";',
    "ledger-core/src/ports/ imports only ports, domain",
  ],
  [
    "ledger-core/src/wire/bodies.ts",
    'import type { EntryRow } from "../sql/tables.ts";',
    "ledger-core/src/wire/ imports only wire, domain",
  ],
  ["ledger-core/src/index.ts", 'export * from "./sql/dialect.ts";', pure],
  ["ledger-core/src/sql/tables.ts", 'import type { Knex } from "knex";', pure],
  [
    "ledger-core/src/http/server.ts",
    'import { createPool } from "mysql2/promise";',
    "driver mysql2 is imported only under adapters/",
  ],
  [
    "query-service/src/routes/session.ts",
    'import { DatabaseSync } from "node:sqlite";',
    "driver node:sqlite is imported only under adapters/",
  ],
  [
    "ledger-core/src/adapters/eventstoredb/event-log.ts",
    'import { x } from "@eventstore/db-client";',
    "@eventstore/db-client is not a dependency of ledger-core",
  ],
  [
    "command-service/src/writer.ts",
    'import { q } from "query-service";',
    "command-service may import only ledger-core, not query-service",
  ],
  [
    "query-service/src/app.ts",
    'import type { W } from "../../command-service/src/writer.ts";',
    "another package is imported by its name, not by a path into it",
  ],
  ["query-service/src/app.ts", 'export { q } from "query-service";', "a package imports its own files by path"],
  [
    "standalone/src/main.ts",
    'import { simulate } from "simulation";',
    "standalone may import only ledger-core, command-service, projection-workers, query-service, " +
      "analytics-export, not simulation",
  ],
  ["command-service/src/writer.ts", 'import { x } from "ledger-core/testing";', onlyTests],
  [
    "command-service/src/http/a.ts",
    'import { x } from "../writer/writer.ts";',
    "command-service/src/http/ does not import command-service/src/writer/",
  ],
  [
    "command-service/src/http/fast/a.ts",
    'import { x } from "../../state/state-file.ts";',
    "command-service/src/http/ does not import command-service/src/state/",
  ],
  [
    "command-service/src/writer/a.ts",
    'import { x } from "../http/routes.ts";',
    "command-service/src/writer/ does not import command-service/src/http/",
  ],
  [
    "command-service/src/state/a.ts",
    'import { x } from "../writer/writer.ts";',
    "command-service/src/state/ does not import command-service/src/writer/",
  ],
  ["command-service/src/writer.ts", 'import { x } from "./writer.test.ts";', onlyTests],
  [
    "command-service/src/writer.ts",
    'import { test } from "vitest";',
    "vitest is a development dependency: only tests, .ci and configurations import it",
  ],
  ["command-service/src/writer.ts", 'import x from "left-pad";', "left-pad is not a dependency of command-service"],
  ["command-service/src/writer.ts", "const name = 1; import(name);", "an import names its target as a literal"],
  ["query-service/src/a.ts", "export default 1;", "exports have names: no default export"],
  [
    "query-service/src/queries/index.ts",
    "export const a = 1;",
    "no barrels: an index.ts exists only where the package's exports name it",
  ],
  [
    "query-service/src/a.ts",
    "export const a = process.env.PORT;",
    "process.env is read only in ledger-core/src/process/env.ts",
  ],
  [
    "query-service/src/a.ts",
    'import { env as e } from "node:process";',
    "process.env is read only in ledger-core/src/process/env.ts",
  ],
  ["query-service/src/a.ts", "const { env } = process;", "process.env is read only in ledger-core/src/process/env.ts"],
])("%s with %s is a fault", (path, text, rule) => {
  expect(faultsOf({ [path]: `// a line above\n${text}\n` })).toEqual([
    `${path}:2: ${rule}`.replace(":2: no barrels", ":1: no barrels"),
  ]);
});

test("what the table allows is no fault", () => {
  expect(
    faultsOf({
      "ledger-core/src/index.ts": 'export * from "./domain/money.ts"; export * from "./sql/tables.ts";',
      "ledger-core/src/domain/money.ts": '// import "node:fs";\nexport const text = \'import "node:fs";\';',
      "ledger-core/src/domain/money.test.ts":
        'import "node:fs"; import "vitest"; import "../testing/x.ts"; process.env.CI;',
      "ledger-core/src/ports/event-log.ts": 'import type { EventId } from "../domain/ids.ts";',
      "ledger-core/src/codec/codec.ts": 'import type { StoredEvent } from "../ports/event-log.ts";',
      "command-service/src/writer.fixture.ts": 'import { expect } from "vitest";',
      "ledger-core/src/sql/index.ts": 'export * from "../domain/money.ts"; export * from "knex";',
      "ledger-core/src/adapters/mysql/mysql.ts": 'import "mysql2";',
      "ledger-core/src/process/env.ts": "export const env = process.env;",
      "ledger-core/src/testing/x.ts": 'import "vitest"; import "../sql/index.ts";',
      "command-service/src/index.ts": 'import "ledger-core"; import "ledger-core/sql"; import "node:fs";',
      "command-service/src/main.ts": 'import "./http/routes.ts"; import "./writer/writer.ts";',
      "command-service/src/http/a.ts": 'import "../writer-port.ts";',
      "command-service/src/http/a.test.ts": 'import "../writer/writer.ts";',
      "command-service/src/writer/a.ts": 'import "../state/state-file.ts"; import "../writer-port.ts";',
      "standalone/src/index.ts": 'import "command-service"; import "query-service";',
      "standalone/test/harness.ts": 'import "vitest"; import "ledger-core/testing";',
      "vitest.config.ts": 'import "vitest/config"; export default {};',
    }),
  ).toEqual([]);
});

test("several faults of a file come in the order of its lines", () => {
  const text = 'import "mysql2";\nexport default 1;\nimport "ioredis";\n';
  expect(faultsOf({ "query-service/src/a.ts": text }).map((fault) => fault.split(":")[1])).toEqual(["1", "2", "3"]);
});

test("files that import each other, types alone too, are a fault", () => {
  const files = {
    "query-service/src/a.ts": 'import type { B } from "./b.ts";',
    "query-service/src/b.ts": 'import { c } from "./c.ts";',
    "query-service/src/c.ts": 'import { a } from "./a.ts";',
    "query-service/src/d.ts": 'import { a } from "./a.ts";',
  };
  const others = "query-service/src/b.ts, query-service/src/c.ts";
  expect(faultsOf(files)).toEqual([`query-service/src/a.ts:1: imports run in a circle with ${others}`]);
});

test("a file that cannot be parsed is reported, not passed over", () => {
  expect(() => checkTree(plant({ "query-service/src/a.ts": "import from;" }))).toThrow();
});

test("the project itself keeps the rules", () => {
  const { faults, files } = checkTree(resolve(import.meta.dirname, ".."));
  expect(faults).toEqual([]);
  expect(files).toBeGreaterThan(30);
});
