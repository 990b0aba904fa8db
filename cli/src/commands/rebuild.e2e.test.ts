import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectionNames } from "projection-workers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeBank, writeBank } from "../import/berka.fixture.ts";
import { documentOf, ledger, type Server, startServer } from "../ledger.fixture.ts";

const bank = makeBank({ seed: 7, rows: 300, customers: 10 });
let server: Server;
let scratch = "";
let file = "";
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "ledger-rebuild-"));
  file = writeBank(scratch, "bank.csv", bank.rows);
  server = await startServer();
  const { code, stderr } = await ledger("import", "berka", "--data", server.dir, "--check", file);
  expect(code, stderr).toBe(0);
});
afterAll(async () => {
  await server.remove();
  rmSync(scratch, { recursive: true });
});

describe.each(projectionNames)("%s", (name) => {
  test("is rebuilt beside the live one while the server runs, and equals it", async () => {
    const ended = await ledger("rebuild", name, "--data", server.dir, "--json");
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(documentOf(ended)).toMatchObject({ projection: name, status: "done", differing: 0 });
    const status = documentOf(await ledger("status", "--data", server.dir, "--json"));
    expect(status.status).toBe("ready");
  });
});

test("after rebuilds, all reads are unchanged and the ledger continues", async () => {
  const again = await ledger("import", "berka", "--data", server.dir, "--check", "--json", file);
  expect(again.code, again.stderr).toBe(0);
  expect(documentOf(again)).toMatchObject({ rows: 300, rowsPosted: 0, eventsAdded: 0, rowsExact: bank.exact });
  const more = writeBank(scratch, "more.csv", ["999999,1,1994-01-01,PRIJEM,VKLAD,1.00,1.00,,,"]);
  const grown = await ledger("import", "berka", "--data", server.dir, "--json", more);
  expect(documentOf(grown)).toMatchObject({ rows: 1, rowsPosted: 1, faults: [] });
});

test("without a server, the folder itself is rebuilt", async () => {
  await server.stop();
  for (const name of projectionNames) {
    const ended = await ledger("rebuild", name, "--data", server.dir, "--json");
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(documentOf(ended)).toMatchObject({ projection: name, status: "done", differing: 0 });
    expect(ended.stderr).toContain("rebuilding on the folder itself");
  }
  await server.start();
  const again = await ledger("import", "berka", "--data", server.dir, "--check", "--json", file);
  expect(documentOf(again)).toMatchObject({ rowsPosted: 0, eventsAdded: 0, rowsExact: bank.exact });
});
