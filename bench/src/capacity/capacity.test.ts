import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { capacityPage } from "./page.ts";
import { measured, planCapacity } from "./plan.ts";

const docs = resolve(import.meta.dirname, "../../../docs");
const peak = { paymentsPerYear: 500_000_000, peakPerSecond: 20_000 };

test("every measured figure is in docs/performance.md, in these words", () => {
  const page = readFileSync(join(docs, "performance.md"), "utf8");
  for (const { quote, value } of Object.values(measured)) {
    expect(page).toContain(quote);
    expect(quote.replaceAll(",", "")).toContain(String(value));
  }
});

test("the customer's load, by hand", () => {
  const plan = planCapacity(peak);
  expect(Math.round(plan.averagePerSecond)).toBe(16);
  // 20,000 / (13,100 × 0.6) = 2.5 writers, and 20,000 / (29,200 × 0.6) = 1.1 workers: 3 shards do for both.
  expect([plan.shards, plan.projectionWorkers, plan.mirrors]).toEqual([3, 2, 1]);
  expect(plan.eventHubsUnits).toBe(20);
  // 500 million × 556 bytes × 2, and × 143 × 3.
  expect(plan.logGigabytesPerYear).toBeCloseTo(556);
  expect(plan.modelGigabytesPerYear).toBeCloseTo(214.5);
});

test("a larger load never needs less", () => {
  const small = planCapacity({ ...peak, peakPerSecond: 10_000 });
  const large = planCapacity({ ...peak, peakPerSecond: 40_000, paymentsPerYear: 1_000_000_000 });
  const fields = ["shards", "mirrors", "projectionWorkers", "queryProcesses", "eventHubsUnits", "usdPerMonth"] as const;
  for (const field of fields) expect(large[field], field).toBeGreaterThan(small[field]);
  expect(planCapacity({ paymentsPerYear: 1, peakPerSecond: 1 })).toMatchObject({ shards: 1, replicas: 2 });
});

test("docs/capacity.md is what the plan says (LEDGER_RECORD_CAPACITY=1 writes it)", () => {
  const path = join(docs, "capacity.md");
  if (process.env.LEDGER_RECORD_CAPACITY === "1") writeFileSync(path, capacityPage());
  expect(readFileSync(path, "utf8")).toBe(capacityPage());
});
