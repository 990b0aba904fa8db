import { expect, test } from "vitest";
import { BenchFault, checkBooks } from "./checks.ts";
import type { LoadResult } from "./load/plan.ts";

const latency = { count: 1, p50Ms: 1, p99Ms: 1, p999Ms: 1, maxMs: 1 };
const load = (acknowledged: number, firstRefusal: string | null = null): LoadResult => ({
  ...{ acknowledged, refused: firstRefusal ? 1 : 0, firstRefusal, seconds: 1, perSecond: 1, latency, cpuSeconds: 1 },
});

test("books that hold what was acknowledged and sum to zero pass, and the note says so", () => {
  expect(checkBooks("x", { payments: 1500, sum: "0" }, [load(1000), load(500)])).toBe("checked: 1,500 payments, sum 0");
});

test.each([
  ["a payment too few", { payments: 1499, sum: "0" }, [load(1500)], "1500 payments acknowledged, 1499 in the books"],
  ["a payment too many", { payments: 1501, sum: "0" }, [load(1500)], "1501 in the books"],
  ["money from nowhere", { payments: 1500, sum: "1" }, [load(1500)], "sum to 1"],
  ["an answer that was not asked for", { payments: 1, sum: "0" }, [load(1, "422 {}")], "422 {}"],
])("%s ends the run", (_name, books, loads, words) => {
  expect(() => checkBooks("the ledger", books, loads)).toThrow(BenchFault);
  expect(() => checkBooks("the ledger", books, loads)).toThrow(words);
});
