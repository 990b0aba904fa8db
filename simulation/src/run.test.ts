import { randomInt } from "node:crypto";
import { describe, expect, test } from "vitest";
import { nothingPlanted } from "./plant.ts";
import { storyLines } from "./report.ts";
import { type RunResult, simulate } from "./run.ts";
import { shrink } from "./shrink.ts";

/** CI runs a million steps; a developer's save runs enough to catch a blunder. */
const STEPS = Number(process.env.LEDGER_SIM_STEPS ?? (process.env.CI === "true" ? 1_000_000 : 50_000));
const fresh = randomInt(1_000_000_000);
const seeds = [11, 12, 13, 14, fresh];
const TIMEOUT_MS = 600_000;

/** The broken promise as a short story; undefined if every promise held. */
async function brokenPromise({ failure }: RunResult): Promise<string | undefined> {
  if (!failure) return undefined;
  return storyLines(failure.result.violation.check, await shrink(failure, () => nothingPlanted)).join("\n");
}

describe("a simulated ledger under faults", () => {
  test.each(seeds)(
    "keeps every promise (seed %i)",
    async (seed) => {
      const run = await simulate({ seed, steps: Math.ceil(STEPS / seeds.length) });
      expect(await brokenPromise(run)).toBeUndefined();
      expect(run.steps).toBeGreaterThanOrEqual(STEPS / seeds.length);
    },
    TIMEOUT_MS,
  );

  test("runs the same way from the same seed, to the byte", { timeout: TIMEOUT_MS }, async () => {
    const first = await simulate({ seed: fresh, steps: 15_000 });
    const again = await simulate({ seed: fresh, steps: 15_000 });
    expect(again).toEqual(first);
    const other = await simulate({ seed: fresh + 1, steps: 15_000 });
    expect(other.digest).not.toBe(first.digest);
  });
});
