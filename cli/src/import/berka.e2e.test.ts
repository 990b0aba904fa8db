import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  documentOf,
  type Ended,
  ledger,
  runLedger,
  runLedgerWith,
  type Server,
  startServer,
} from "../ledger.fixture.ts";
import { makeBank, writeBank } from "./berka.fixture.ts";

const real = resolve(import.meta.dirname, "../../../../shared/data/berka/transactions-1993.csv");
const seed = Number(process.pid) % 100_000;
const bank = makeBank({ seed, rows: 1500, customers: 40 });

let scratch = "";
let server: Server;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "berka-e2e-"));
});
afterAll(() => rmSync(scratch, { recursive: true }));
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.remove());

function args(...rest: readonly string[]): readonly string[] {
  return ["import", "berka", "--data", server.dir, "--json", "--check", ...rest];
}

/** The expected result of all rows of the made-up bank, however many runs and crashes it takes. */
function expectWhole(ended: Ended): void {
  expect(ended.code, `seed ${seed}: ${ended.stdout}${ended.stderr}`).toBe(0);
  expect(documentOf(ended), `seed ${seed}`).toMatchObject({
    rows: bank.rows.length,
    credits: bank.credits.toString(),
    debits: bank.debits.toString(),
    customersSum: (bank.credits - bank.debits).toString(),
    customersSumNow: (bank.credits - bank.debits).toString(),
    ledgerSum: "0",
    rowsExact: bank.exact,
    rowsBelowZero: bank.belowZero,
    faults: [],
  });
}

async function whenHead(least: number): Promise<void> {
  while ((await server.head()) < least);
}

describe("a made-up bank", () => {
  test("matches the bank's figures; a second run adds no event, whatever its batch size", async () => {
    const file = writeBank(scratch, "whole.csv", bank.rows);
    const first = await ledger(...args(file));
    expectWhole(first);
    const { accountsOpened, rowsPosted, eventsAdded } = documentOf(first);
    const bulks = Math.ceil(bank.rows.length / 1000);
    expect(rowsPosted).toBe(bank.rows.length);
    expect(eventsAdded).toBe(Number(accountsOpened) + bank.rows.length + bulks);
    const head = await server.head();
    const second = await ledger(...args(file, "--batch", "77"));
    expectWhole(second);
    expect(documentOf(second)).toMatchObject({ rowsPosted: 0, accountsOpened: 0, eventsAdded: 0 });
    expect(await server.head()).toBe(head);
  });

  test("in two files of one run, or in two runs, continues where the earlier one ended", async () => {
    const [a, b, c] = [bank.rows.slice(0, 500), bank.rows.slice(500, 900), bank.rows.slice(900)];
    const files = [writeBank(scratch, "a.csv", a), writeBank(scratch, "b.csv", b), writeBank(scratch, "c.csv", c)];
    const first = await ledger(...args(...files.slice(0, 2)));
    expect(documentOf(first)).toMatchObject({ rows: 900, rowsPosted: 900, faults: [] });
    const second = await ledger(...args(...files.slice(2)));
    expect(second.code, second.stderr).toBe(0);
    expect(documentOf(second)).toMatchObject({ rows: 600, rowsPosted: 600, faults: [] });
    expectWhole(await ledger(...args(...files)));
  });

  test("survives kill -9 of the server in the middle", async () => {
    const run = runLedger(...args(writeBank(scratch, "whole.csv", bank.rows), "--batch", "20"));
    await whenHead(600);
    await server.kill();
    await server.start();
    const ended = await run.ended;
    expectWhole(ended);
    expect(documentOf(ended)).toMatchObject({ rowsPosted: bank.rows.length });
  });

  test("survives kill -9 of the import in the middle, and of both", async () => {
    const file = writeBank(scratch, "whole.csv", bank.rows);
    for (const at of [60, 600]) {
      const run = runLedger(...args(file, "--batch", "20"));
      await whenHead(at);
      run.child.kill("SIGKILL");
      await run.ended;
    }
    await server.kill();
    await server.start();
    expectWhole(await ledger(...args(file)));
  });

  test("that rounds differently from the year 1993 is still imported and checked", async () => {
    const a = writeBank(scratch, "year.csv", ["1,1,1993-01-01,PRIJEM,VKLAD,10.00,10.00,,,"]);
    const b = writeBank(scratch, "next.csv", ["2,1,1994-01-01,PRIJEM,VKLAD,10.00,2075.10,,,"]);
    const { code, stdout, stderr } = await ledger("import", "berka", a, b, "--check", "--data", server.dir);
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toMatch(/largest difference +2055\.10 CZK/);
    expect(stdout).toContain("check: 5 of 5 facts met (rows whose figures are not known;");
  });

  test("is imported with only LEDGER_TOKEN as with the folder's key", async () => {
    const file = writeBank(scratch, "ten.csv", bank.rows.slice(0, 10));
    const token = await ledger("token", "--role", "operator", "--data", server.dir);
    const env = { LEDGER_TOKEN: token.stdout.trim() };
    const rest = ["--check", "--json", "--url", server.url, "--patience", "1"];
    const ended = await runLedgerWith(env, "import", "berka", file, ...rest).ended;
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(documentOf(ended)).toMatchObject({ rowsPosted: 10, faults: [] });
    const again = await ledger("import", "berka", file, "--data", server.dir, ...rest);
    expect(documentOf(again)).toMatchObject({ rowsPosted: 0, faults: [] });
    const neither = await ledger("import", "berka", file, ...rest);
    expect({ code: neither.code, stderr: neither.stderr }).toEqual({
      code: 9,
      stderr: expect.stringContaining("is not a ledger's data folder"),
    });
  });
});

describe("broken files", () => {
  test("are named by line, all of them before anything is posted", async () => {
    const good = writeBank(scratch, "good.csv", bank.rows.slice(0, 10));
    const [row = ""] = bank.rows;
    const broken = writeBank(scratch, "broken.csv", [row, "x", row.replace("1993-", "1993-13")]);
    const head = await server.head();
    const { code, stderr, stdout } = await ledger("import", "berka", "--data", server.dir, good, broken);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(`${broken}:3: 1 columns, and there must be 10\n${broken}:4: date `);
    expect(stderr).toContain("nothing was imported");
    expect(await server.head()).toBe(head);
  });

  test("a trans_id that was booked with other content is named by line and books nothing", async () => {
    await ledger(...args(writeBank(scratch, "first.csv", bank.rows.slice(0, 10))));
    const head = await server.head();
    const fields = bank.rows[4]?.split(",") ?? [];
    fields[5] = "1.00";
    const changed = [...bank.rows.slice(0, 4), fields.join(), ...bank.rows.slice(5, 12)];
    const ended = await ledger(...args(writeBank(scratch, "changed.csv", changed)));
    expect(ended.code).toBe(1);
    expect(documentOf(ended)).toMatchObject({
      error: { faults: [{ line: 6, detail: expect.stringContaining("other content") }] },
    });
    expect(await server.head()).toBe(head);
  });
});

// The data set is not part of the project; without it, only the made-up bank above is tested.
if (existsSync(real)) {
  describe("the real bank's year", () => {
    test("meets every fact of its description, and a second run adds no event", { timeout: 120_000 }, async () => {
      const first = await ledger(...args(real));
      expect(first.code, first.stdout + first.stderr).toBe(0);
      expect(documentOf(first)).toMatchObject({ rows: 28_205, rowsPosted: 28_205, knownAs: "the bank's year 1993" });
      const head = await server.head();
      const second = await ledger(...args(real));
      expect(second.code, second.stdout + second.stderr).toBe(0);
      expect(documentOf(second)).toMatchObject({ rowsPosted: 0, eventsAdded: 0 });
      expect(await server.head()).toBe(head);
    });

    test("is checked against its own facts when it comes with other rows", { timeout: 120_000 }, async () => {
      const rows = ["9999999,2378,1994-01-01,PRIJEM,VKLAD,10.00,2075.10,,,"];
      const ended = await ledger(...args(real, writeBank(scratch, "next.csv", rows)));
      expect(ended.code, ended.stdout + ended.stderr).toBe(0);
      const { checks, ...document } = documentOf(ended);
      expect(document).toMatchObject({ rows: 28_206, knownAs: "the bank's year 1993" });
      expect(checks).toContainEqual({
        fact: "the bank's year 1993: largest difference",
        expected: "60",
        found: "60",
        met: true,
      });
    });
  });
}
