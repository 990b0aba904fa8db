import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "./client.ts";
import { writeIds } from "./fuzz/ids.ts";
import { findSchemathesis, fuzz } from "./fuzz/run.ts";
import { createLedger } from "./harness.ts";
import { writeReports } from "./job-tables.ts";
import { at } from "./json.ts";
import { openAccount, sumOfLedger } from "./steps.ts";

const owners = { operator: "operator", service: "service", merchant: "shop", consumer: "alice", auditor: "auditor" };

/** The caller, the seed, and schemathesis options: a number of examples per operation, or a time limit. */
type FuzzCase = { readonly role: keyof typeof owners; readonly seed: number; readonly options: readonly string[] };

const freshSeed = Number(process.env.LEDGER_SEED ?? Date.now() % 2 ** 31);
const seconds = Number(process.env.LEDGER_FUZZ_SECONDS ?? 30);

/** The operator may do everything: first fixed cases, then new ones each time. The other roles get fewer. */
const cases: readonly FuzzCase[] = [
  { role: "operator", seed: 1, options: ["--phases", "examples,coverage,fuzzing", "-n", "20"] },
  { role: "operator", seed: freshSeed, options: ["--phases", "fuzzing,stateful", "-n", "20", ...within(seconds)] },
  ...(["service", "merchant", "consumer", "auditor"] as const).map((role) => ({
    role,
    seed: freshSeed,
    options: ["--phases", "fuzzing", "-n", "5", ...within(Math.ceil(seconds / 2))],
  })),
];

function within(limit: number): readonly string[] {
  return ["--max-time", String(limit)];
}

const found = findSchemathesis();
if ("absent" in found) console.warn(found.absent);
const title = "absent" in found ? found.absent : "fuzzed from the OpenAPI document: no 5xx but a declared 503";

describe.skipIf("absent" in found)(title, () => {
  const python = "python" in found ? found.python : "";
  const ledger = createLedger();
  const folder = mkdtempSync(join(tmpdir(), "payledger-fuzz-"));
  const operators: Client[] = [];
  beforeAll(async () => {
    await ledger.start();
    // Any account has reports now, most of them without rows.
    await writeReports(ledger.data, `acct_${"0".repeat(26)}`, 0);
  });
  afterAll(async () => {
    await ledger.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(cases)("$role, seed $seed", { timeout: 600_000 + seconds * 2000 }, async ({ role, seed, options }) => {
    // Each case has its own tenant, since the previous one may have frozen all its accounts, even the clearing account.
    const tenant = `fuzz-${operators.length}`;
    const operator = await ledger.as("operator", "operator", tenant);
    operators.push(operator);
    await writeIds(operator, folder);
    const account = await openAccount(operator, { owner: "mark" });
    const mark = { payer: account, payee: account, amount: "1", currency: "HKD" };
    const { token } = await ledger.as(role, owners[role], tenant);
    const run = { url: ledger.url, token, operatorToken: operator.token, mark, folder };
    const { code, report } = await fuzz(python, { ...run, options: [...options, "--seed", String(seed)] });
    expect(code, report).toBe(0);
    const cases = /Test cases:\n\s+(\d+) generated/.exec(report)?.[1];
    console.log(`${role}, seed ${seed}: ${cases} requests fuzzed`);
    expect(Number(cases), report).toBeGreaterThan(50);
  });

  test("every route has taken some of it, and refused some", async () => {
    const metrics = (await (await ledger.as("platform")).get("/metrics")).text;
    const document: unknown = await (await fetch(`${ledger.url}/openapi.json`)).json();
    const routes = Object.entries(Object(at(document, "paths"))).flatMap(([path, item]) =>
      Object.keys(Object(item)).map((method) => [method.toUpperCase(), path.replaceAll(/\{(\w+)\}/g, ":$1")] as const),
    );
    expect(routes.length).toBeGreaterThan(20);
    for (const [method, route] of routes)
      for (const status of ['2\\d\\d"', '4\\d\\d"'])
        expect(metrics).toMatch(new RegExp(`_count\\{method="${method}",route="${route}",status="${status}`));
  });

  test("every tenant's books still sum to zero", async () => {
    expect(operators.length).toBeGreaterThan(0);
    for (const operator of operators) expect(await sumOfLedger(operator)).toBe(0n);
  });
});
