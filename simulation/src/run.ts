import { createHash } from "node:crypto";
import { chooseFaults, type FaultKind } from "./faults.ts";
import type { Plant } from "./plant.ts";
import { randomFrom } from "./random.ts";
import { runWorld, type WorldResult } from "./world.ts";

/** Worlds are small: many short histories with different faults and settings find more than a long one. */
export const WORLD_STEPS = 5_000;

type RunOptions = {
  readonly seed: number;
  /** Minimum number of steps, over as many worlds as needed. */
  readonly steps: number;
  /** Makes the planted bug for each world. */
  readonly plant?: () => Plant;
  readonly onWorld?: (progress: { readonly steps: number; readonly worlds: number }) => void;
};

export type RunResult = {
  readonly seed: number;
  readonly worlds: number;
  readonly steps: number;
  readonly events: number;
  /** Digest of everything that happened; equal for equal seeds. */
  readonly digest: string;
  /** The last world that ran, in which a promise was broken. */
  readonly failure: FailedWorld | undefined;
};

export type FailedWorld = {
  readonly world: string;
  readonly faults: ReadonlySet<FaultKind>;
  readonly result: WorldResult & { readonly violation: NonNullable<WorldResult["violation"]> };
};

/** Runs worlds one after another until the steps are used up or a promise is broken. */
export async function simulate({ seed, steps, plant, onWorld }: RunOptions): Promise<RunResult> {
  const digest = createHash("sha256");
  const sum = { worlds: 0, steps: 0, events: 0 };
  let failure: FailedWorld | undefined;
  while (sum.steps < steps && !failure) {
    const world = `${seed}.${sum.worlds}`;
    const faults = chooseFaults(randomFrom(`${world}/kinds`));
    const result = await runWorld({ seed: world, steps: WORLD_STEPS, faults, ...(plant ? { plant: plant() } : {}) });
    sum.worlds++;
    sum.steps += result.steps;
    sum.events += result.events;
    digest.update(result.digest);
    const { violation } = result;
    if (violation) failure = { world, faults, result: { ...result, violation } };
    onWorld?.({ steps: sum.steps, worlds: sum.worlds });
  }
  return { seed, ...sum, digest: digest.digest("hex"), failure };
}
