import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { projectionNames } from "projection-workers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeBank, writeBank } from "../import/berka.fixture.ts";
import { documentOf, ledger, runLedgerWith, type Server, startServer } from "../ledger.fixture.ts";

const bank = makeBank({ seed: 7, rows: 200, customers: 10 });
let server: Server;
beforeAll(async () => {
  server = await startServer();
  const file = writeBank(server.dir, ".bank.csv", bank.rows);
  const { code, stderr } = await ledger("import", "berka", "--data", server.dir, file);
  expect(code, stderr).toBe(0);
});
afterAll(() => server.remove());

function tamper(file: "models.sqlite" | "views.sqlite", statement: string): void {
  const database = new DatabaseSync(join(server.dir, file), { timeout: 5000 });
  database.exec(statement);
  database.close();
}

/** Changes one cell in the served build. */
function tamperModels(): void {
  const database = new DatabaseSync(join(server.dir, "models.sqlite"), { readOnly: true });
  const served = database.prepare("SELECT suffix FROM model_versions WHERE projection = 'models'").get();
  database.close();
  const table = `entries${served?.suffix}`;
  tamper(
    "models.sqlite",
    `UPDATE ${table} SET amount = amount + 1 WHERE revision = (SELECT max(revision) FROM ${table}) AND idx = 0`,
  );
}

const verify = (...flags: string[]) => ledger("verify", "--data", server.dir, "--json", ...flags);

test("while the ledger runs: equal; then a difference is named, repaired, and equal again", async () => {
  const before = await verify();
  expect(before.code, before.stdout + before.stderr).toBe(0);
  expect(documentOf(before).projections).toMatchObject(
    projectionNames.map((projection) => ({ projection, status: "done", result: { verdict: "equal", differing: 0 } })),
  );
  tamperModels();
  const found = await ledger("verify", "--data", server.dir);
  expect(found.code, found.stdout + found.stderr).toBe(3);
  expect(found.stdout).toMatch(/entries \S+: changed in amount \(account acct_\w+, event evt_\w+\)/);
  const healed = await verify("--heal");
  expect(healed.code, healed.stdout + healed.stderr).toBe(3);
  expect(documentOf(healed).projections).toMatchObject(
    projectionNames.map((projection) => ({ projection, healed: projection === "models" })),
  );
  const after = await verify();
  expect(after.code, after.stdout + after.stderr).toBe(0);
});

test("--stores on a folder without a server: equal; then the first difference is named", async () => {
  await server.stop();
  const verifyStores = (...flags: string[]) =>
    runLedgerWith({ LEDGER_DATA: server.dir }, "verify", "--stores", ...flags).ended;
  const before = await verifyStores("--json");
  expect(before.code, before.stdout + before.stderr).toBe(0);
  const { log, stores } = documentOf(before);
  expect(documentOf(before)).toMatchObject({ verdict: "equal", log: { entries: 400 } });
  expect(stores).toMatchObject([
    { store: "read models", verdict: "equal", figures: log },
    { store: "graph", verdict: "equal" },
  ]);
  tamperModels();
  const found = await verifyStores();
  expect(found.code, found.stdout + found.stderr).toBe(3);
  expect(found.stdout).toMatch(/read models: DIFFERS: 1 of \d+ rows/);
  expect(found.stdout).toMatch(/ {2}first: entries \S+, amount: expected "-?\d+", found "-?\d+" \(account acct_/);
  expect(found.stdout).toMatch(/, event evt_\w+, 0:\d+\)/);
  expect((await verify("--heal")).code).toBe(3);
  await server.start();
  const besides = await verifyStores("--wait", "0");
  expect(besides.code, besides.stdout).toBe(1);
  expect(besides.stdout).toMatch(/^log: not known: log_unavailable: .*another process/);
});

test("on a folder without a server: the same, and an unreadable model is set aside for the next start", async () => {
  await server.stop();
  tamperModels();
  expect((await verify()).code).toBe(3);
  expect((await verify("--heal")).code).toBe(3);
  expect((await verify()).code).toBe(0);
  writeFileSync(join(server.dir, "views.sqlite"), "damage ".repeat(2000));
  const found = await verify("--heal");
  expect(found.code, found.stdout + found.stderr).toBe(3);
  expect(documentOf(found).projections).toMatchObject(
    projectionNames.map((projection) =>
      projection === "graph"
        ? { projection, result: { verdict: "unreadable" }, healed: true }
        : { projection, result: { verdict: "equal" }, healed: false },
    ),
  );
  await server.start();
  const after = await verify();
  expect(after.code, after.stdout + after.stderr).toBe(0);
});
