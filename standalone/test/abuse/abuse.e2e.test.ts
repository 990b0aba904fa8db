import { expect, test } from "vitest";
import { abuse } from "./abuse.ts";

/* The short form of `npm run abuse`, without checks that depend on speed. */
const seconds = Number(process.env.LEDGER_ABUSE_SECONDS ?? 20);
const seed = Number(process.env.LEDGER_SEED ?? Date.now() % 2 ** 31);
/** The sum of the ledger's own bounds and the runtime. */
const MEMORY_MAX = 1024 * 2 ** 20;

test(`${seconds} s of mixed abuse, seed ${seed}: an honest client is never refused`, async () => {
  const report = await abuse({ seconds, seed, windowSeconds: 5 });
  expect(report.died).toBeUndefined();
  expect(report.windows.flatMap(({ wrong }) => wrong)).toEqual([]);
  expect(report.windows.flatMap(({ refused }) => refused)).toEqual([]);
  expect(report.windows.flatMap(({ payments }) => payments).length).toBeGreaterThan(0);
  expect([...report.answers.keys()].length).toBeGreaterThan(10);
  expect(Math.max(...report.windows.map(({ rssMostBytes }) => rssMostBytes))).toBeLessThan(MEMORY_MAX);
  expect(report.stop.code).toBe(0);
});
